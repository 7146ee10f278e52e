#!/usr/bin/env bash
# Failsafe asks once more before the delay that it was given, if that ends behind its maximum duration.
# Package: dev.failsafe:failsafe 3.3.2 (Maven). A good guess: a server that says `Retry-After: 3` to a policy of two seconds is given up at once,
# or after two seconds without a further call, since no attempt can both obey and be in time. Seen: the delay that `withDelayFn` gives is cut to what
# is left of `withMaxDuration`, so the last call comes after two seconds, a second before the server is ready, and the caller has waited
# for it. A fixed delay is cut likewise: calls of 0.1 s with pauses of 0.7 s begin at 0, 0.8, 1.6 and then at 2 s.
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
    <dependency><groupId>dev.failsafe</groupId><artifactId>failsafe</artifactId><version>3.3.2</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import dev.failsafe.Failsafe;
import dev.failsafe.RetryPolicy;
import dev.failsafe.RetryPolicyBuilder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

public class Look {
  /** The seconds at which a server that always says 503 is asked. A call takes a tenth of a second. */
  static List<Double> asked(RetryPolicyBuilder<Integer> policy) {
    var times = new ArrayList<Double>();
    long start = System.nanoTime();
    Failsafe.with(policy.handleResult(503).withMaxRetries(9).withMaxDuration(Duration.ofSeconds(2)).build()).get(() -> {
      times.add(Math.round((System.nanoTime() - start) / 1e8) / 10.0);
      Thread.sleep(100);
      return 503;
    });
    return times;
  }

  static boolean isLastAt(double seconds, List<Double> times) {
    return Math.abs(times.get(times.size() - 1) - seconds) < 0.5;
  }

  public static void main(String[] args) {
    var told = asked(RetryPolicy.<Integer>builder().withDelayFn(context -> Duration.ofSeconds(3)));
    var fixed = asked(RetryPolicy.<Integer>builder().withDelay(Duration.ofMillis(700)));
    System.out.println("a delay of 3 s, at most 2 s: asked at " + told);
    System.out.println("a delay of 0.7 s, at most 2 s: asked at " + fixed);
    System.exit(told.size() == 2 && isLastAt(2, told) && fixed.size() == 4 && isLastAt(2, fixed) ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java
