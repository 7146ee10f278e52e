#!/usr/bin/env bash
# Spring Retry waits past its timeout for a next attempt, and then does not make it.
# Package: org.springframework.retry:spring-retry 2.0.12 (Maven).
# A good guess: a template of half a second whose pause is two seconds gives up at once or after half a second, or makes its last attempt after the
# pause. Seen: it sleeps the two seconds, four times its timeout, and throws the first failure then, without a second attempt; the timeout is
# looked at behind a pause only. With a pause that doubles, most of what a caller waits for is such a last pause.
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
import java.util.concurrent.atomic.AtomicInteger;
import org.springframework.retry.support.RetryTemplate;

public class Look {
  static AtomicInteger attempts = new AtomicInteger();

  /** Attempts at what always fails, and the tenths of a second that the caller waits. */
  static int waited(RetryTemplate template) {
    attempts.set(0);
    long start = System.nanoTime();
    try {
      template.execute(context -> {
        attempts.incrementAndGet();
        throw new IllegalStateException("not now");
      });
    } catch (IllegalStateException failure) {
      // as it should be
    }
    return (int) ((System.nanoTime() - start) / 100_000_000);
  }

  public static void main(String[] args) {
    waited(RetryTemplate.builder().maxAttempts(2).fixedBackoff(1).build());
    int fixed = waited(RetryTemplate.builder().withTimeout(500).fixedBackoff(2000).build());
    int once = attempts.get();
    int doubled = waited(RetryTemplate.builder().withTimeout(1000).exponentialBackoff(700, 4, 60_000).build());
    int twice = attempts.get();
    System.out.println("a timeout of 0.5 s, pauses of 2 s: " + once + " attempt, " + (fixed >= 19 ? "2 s or more" : fixed + " tenths of a second"));
    System.out.println("a timeout of 1 s, pauses of 0.7 and 2.8 s: " + twice + " attempts, " + (doubled >= 34 ? "3.5 s or more" : doubled + " tenths of a second"));
    System.exit(once == 1 && fixed >= 19 && twice == 2 && doubled >= 34 ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
