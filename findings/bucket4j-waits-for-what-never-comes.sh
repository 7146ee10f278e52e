#!/usr/bin/env bash
# Bucket4j says that a bucket of 10 can never give 11, and gives 11, and 20, to who waits.
# Package: com.bucket4j:bucket4j_jdk17-core 8.19.0 (Maven).
# A good guess: what is more than the capacity is refused in each way of asking, since it would be a larger burst than the limit allows. Seen:
# `tryConsume` and the estimate refuse it with a wait of 292 years, and the blocking and the asynchronous form wait a moment and consume it, leaving a
# bucket that owes tokens. A batch of twice the limit passes at once, or never, by the method.
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
    <dependency><groupId>com.bucket4j</groupId><artifactId>bucket4j_jdk17-core</artifactId><version>8.19.0</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import io.github.bucket4j.Bucket;
import java.time.Duration;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;

public class Look {
  static Bucket bucket() {
    return Bucket.builder().addLimit(limit -> limit.capacity(10).refillGreedy(10, Duration.ofSeconds(1))).build();
  }

  public static void main(String[] args) throws Exception {
    boolean atOnce = bucket().tryConsume(11);
    long wait = bucket().estimateAbilityToConsume(11).getNanosToWaitForRefill();
    boolean eleven = bucket().asBlocking().tryConsume(11, Duration.ofSeconds(5));
    Bucket owing = bucket();
    boolean twenty = owing.asScheduler().tryConsume(20, Duration.ofSeconds(5), Executors.newScheduledThreadPool(1)).get(20, TimeUnit.SECONDS);
    System.out.println("tryConsume(11) of a bucket of 10: " + atOnce + "; the estimate: " + (wait == Long.MAX_VALUE ? "never" : wait + " ns"));
    System.out.println("blocking for 11: " + eleven + "; asynchronous for 20: " + twenty);
    System.exit(!atOnce && wait == Long.MAX_VALUE && eleven && twenty ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
