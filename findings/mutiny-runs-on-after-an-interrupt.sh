#!/usr/bin/env bash
# Mutiny cancels what is awaited when the wait times out, and lets it run on when the waiting thread is interrupted.
# Packages: io.smallrye.reactive:mutiny 3.3.0, io.projectreactor:reactor-core 3.8.0 (Maven).
# A good guess: who leaves `await().atMost(...)`, by its timeout or by an interrupt, wants the result no more, so both cancel the subscription, as
# Reactor's `block` does. Seen: the timeout cancels, the interrupt does not: a task that is canceled, or an executor that is shut down by
# `shutdownNow`, ends its wait at once with an InterruptedException inside a CompletionException, and the request to the model goes on.
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
    <dependency><groupId>io.smallrye.reactive</groupId><artifactId>mutiny</artifactId><version>3.3.0</version></dependency>
    <dependency><groupId>io.projectreactor</groupId><artifactId>reactor-core</artifactId><version>3.8.0</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import io.smallrye.mutiny.Uni;
import java.time.Duration;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import reactor.core.publisher.Mono;

public class Look {
  interface Wait {
    void run(Runnable subscribed, Runnable cancelled);
  }

  /** Whether the wait cancels what it waits for, within three seconds of its end. */
  static boolean cancels(boolean interrupt, Wait wait) throws Exception {
    CountDownLatch subscribed = new CountDownLatch(1);
    CountDownLatch cancelled = new CountDownLatch(1);
    Thread waiting = new Thread(() -> {
      try {
        wait.run(subscribed::countDown, cancelled::countDown);
      } catch (RuntimeException expected) {
        // a timeout or an interrupt, by which the wait has ended
      }
    });
    waiting.start();
    if (!subscribed.await(20, TimeUnit.SECONDS)) throw new IllegalStateException("nobody subscribed");
    if (interrupt) waiting.interrupt();
    waiting.join(20000);
    if (waiting.isAlive()) throw new IllegalStateException("the wait has not ended");
    return cancelled.await(3, TimeUnit.SECONDS);
  }

  static void mutiny(Duration limit, Runnable subscribed, Runnable cancelled) {
    Uni.createFrom().nothing().onSubscription().invoke(subscribed).onCancellation().invoke(cancelled).await().atMost(limit);
  }

  static void reactor(Duration limit, Runnable subscribed, Runnable cancelled) {
    Mono.never().doOnSubscribe(it -> subscribed.run()).doOnCancel(cancelled).block(limit);
  }

  public static void main(String[] args) throws Exception {
    Duration brief = Duration.ofMillis(300);
    Duration longer = Duration.ofSeconds(15);
    boolean mutinyTimeout = cancels(false, (subscribed, cancelled) -> mutiny(brief, subscribed, cancelled));
    boolean mutinyInterrupt = cancels(true, (subscribed, cancelled) -> mutiny(longer, subscribed, cancelled));
    boolean reactorTimeout = cancels(false, (subscribed, cancelled) -> reactor(brief, subscribed, cancelled));
    boolean reactorInterrupt = cancels(true, (subscribed, cancelled) -> reactor(longer, subscribed, cancelled));
    System.out.println("Mutiny cancels at a timeout " + mutinyTimeout + ", at an interrupt " + mutinyInterrupt);
    System.out.println("Reactor cancels at a timeout " + reactorTimeout + ", at an interrupt " + reactorInterrupt);
    System.exit(mutinyTimeout && !mutinyInterrupt && reactorTimeout && reactorInterrupt ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
