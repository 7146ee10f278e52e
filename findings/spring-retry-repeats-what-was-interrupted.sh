#!/usr/bin/env bash
# Spring Retry makes a call again that was interrupted, so a canceled task begins anew.
# Package: org.springframework.retry:spring-retry 2.0.12 (Maven).
# A good guess: an InterruptedException ends the attempts, as an interrupt in the pause between two does, and the thread stays interrupted. Seen: the
# exception of the call has taken the flag away, and is a failure like any other: after `cancel(true)` the call is made once more and goes on
# to its end. Only an interrupt that comes in a pause is heeded.
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
    <dependency><groupId>org.springframework.retry</groupId><artifactId>spring-retry</artifactId><version>2.0.12</version></dependency>
    <dependency><groupId>org.springframework</groupId><artifactId>spring-core</artifactId><version>6.2.11</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.retry.support.RetryTemplate;

public class Look {
  public static void main(String[] args) throws Exception {
    RetryTemplate template = RetryTemplate.builder().maxAttempts(3).fixedBackoff(100).build();
    AtomicInteger started = new AtomicInteger();
    AtomicInteger ended = new AtomicInteger();
    ExecutorService pool = Executors.newSingleThreadExecutor();
    Future<?> task = pool.submit(() -> template.execute(context -> {
      started.incrementAndGet();
      Thread.sleep(1500);
      ended.incrementAndGet();
      return "done";
    }));
    Thread.sleep(700);
    boolean canceled = task.cancel(true);
    pool.shutdown();
    boolean over = pool.awaitTermination(20, TimeUnit.SECONDS);
    System.out.println("canceled in its first attempt: " + canceled + "; attempts: " + started + ", of which went on to their end: " + ended);
    System.exit(canceled && over && started.get() == 2 && ended.get() == 1 ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
