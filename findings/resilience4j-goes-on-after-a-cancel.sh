#!/usr/bin/env bash
# resilience4j goes on after a cancel: Retry repeats the call to its last attempt, Bulkhead keeps its place taken, RateLimiter its permit spent.
# Packages: io.github.resilience4j:resilience4j-retry, -bulkhead and -ratelimiter 2.4.0, dev.failsafe:failsafe 3.3.2 (Maven).
# A good guess: who cancels the future of a call that is tried again has it tried no more, and what it held is free, as Failsafe has it: no
# further call, and its bulkhead has room. Seen: a future that is cancelled after the second of five attempts is cancelled, and three more calls
# follow; a cancelled call never gives its place in the bulkhead back, so one of one place refuses all others for ever; a thread that
# is interrupted while it waits for a permit is told no, and the permit of the next period is gone too.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
cat > pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>look</groupId>
  <artifactId>look</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>io.github.resilience4j</groupId><artifactId>resilience4j-retry</artifactId><version>2.4.0</version></dependency>
    <dependency><groupId>io.github.resilience4j</groupId><artifactId>resilience4j-bulkhead</artifactId><version>2.4.0</version></dependency>
    <dependency><groupId>io.github.resilience4j</groupId><artifactId>resilience4j-ratelimiter</artifactId><version>2.4.0</version></dependency>
    <dependency><groupId>dev.failsafe</groupId><artifactId>failsafe</artifactId><version>3.3.2</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import dev.failsafe.Failsafe;
import dev.failsafe.RetryPolicy;
import io.github.resilience4j.bulkhead.Bulkhead;
import io.github.resilience4j.bulkhead.BulkheadConfig;
import io.github.resilience4j.ratelimiter.RateLimiter;
import io.github.resilience4j.ratelimiter.RateLimiterConfig;
import io.github.resilience4j.retry.Retry;
import io.github.resilience4j.retry.RetryConfig;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;

public class Look {
  static final Duration PAUSE = Duration.ofMillis(500);

  static CompletableFuture<String> refused(AtomicInteger calls) {
    calls.incrementAndGet();
    return CompletableFuture.failedFuture(new RuntimeException("503"));
  }

  static String callsAround(Future<?> future, AtomicInteger calls) throws Exception {
    while (calls.get() < 2) Thread.sleep(10);
    future.cancel(true);
    int before = calls.get();
    Thread.sleep(2200);
    return before + " calls until the cancel, " + calls + " in all";
  }

  public static void main(String[] args) throws Exception {
    var scheduler = Executors.newScheduledThreadPool(2);
    var calls = new AtomicInteger();
    var retry = Retry.of("look", RetryConfig.custom().maxAttempts(5).waitDuration(PAUSE).build());
    String retried = callsAround(retry.executeCompletionStage(scheduler, () -> refused(calls)).toCompletableFuture(), calls);
    System.out.println("Retry: " + retried);

    var others = new AtomicInteger();
    var policy = RetryPolicy.<String>builder().withMaxRetries(4).withDelay(PAUSE).build();
    String failsafe = callsAround(Failsafe.with(policy).getStageAsync(() -> refused(others)), others);
    System.out.println("Failsafe: " + failsafe);

    var bulkhead = Bulkhead.of("look", BulkheadConfig.custom().maxConcurrentCalls(1).build());
    bulkhead.executeCompletionStage(() -> new CompletableFuture<String>()).toCompletableFuture().cancel(true);
    int places = bulkhead.getMetrics().getAvailableConcurrentCalls();
    System.out.println("Bulkhead of one: " + places + " places after a cancel");
    var failsafeBulkhead = dev.failsafe.Bulkhead.<String>of(1);
    Failsafe.with(failsafeBulkhead).getStageAsync(() -> new CompletableFuture<String>()).cancel(true);
    Thread.sleep(200);
    boolean hasRoom = failsafeBulkhead.tryAcquirePermit();
    System.out.println("Failsafe's has room: " + hasRoom);

    var period = Duration.ofSeconds(2);
    var limits = RateLimiterConfig.custom().limitForPeriod(1).limitRefreshPeriod(period).timeoutDuration(Duration.ofSeconds(9)).build();
    var limiter = RateLimiter.of("look", limits);
    limiter.acquirePermission();
    var waiting = Thread.currentThread();
    scheduler.schedule(waiting::interrupt, 200, TimeUnit.MILLISECONDS);
    boolean allowed = limiter.acquirePermission();
    Thread.interrupted();
    int owed = limiter.getMetrics().getAvailablePermissions();
    System.out.println("RateLimiter: the interrupted one is told " + allowed + ", and " + owed + " permits are left");
    boolean asExpected = retried.equals("2 calls until the cancel, 5 in all") && failsafe.equals("2 calls until the cancel, 2 in all");
    System.exit(asExpected && places == 0 && hasRoom && !allowed && owed == -1 ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java
