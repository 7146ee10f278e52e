#!/usr/bin/env bash
# JobRunr can't enqueue a job whose lambda holds the float or double 1 or 0, and takes 1.5.
# Package: org.jobrunr:jobrunr 8.3.1 (Maven).
# A good guess: a job's lambda may hold any literal of a type that its method takes. Seen: JobRunr reads the lambda's byte code, in which 0 and 1, and
# for a float 2, have instructions of their own that it does not know, and asks to report "Instruction 15 not found". Other numbers and a
# variable that holds a 1 are taken. A temperature of 1.5 works until somebody sets it to 1.
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
    <dependency><groupId>org.jobrunr</groupId><artifactId>jobrunr</artifactId><version>8.3.1</version></dependency>
    <dependency><groupId>com.fasterxml.jackson.core</groupId><artifactId>jackson-databind</artifactId><version>2.20.1</version></dependency>
    <dependency><groupId>com.fasterxml.jackson.datatype</groupId><artifactId>jackson-datatype-jsr310</artifactId><version>2.20.1</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import java.util.LinkedHashMap;
import java.util.Map;
import org.jobrunr.JobRunrException;
import org.jobrunr.configuration.JobRunr;
import org.jobrunr.jobs.lambdas.JobLambda;
import org.jobrunr.scheduling.BackgroundJob;
import org.jobrunr.storage.InMemoryStorageProvider;

public class Look {
  public static void sample(float temperature) {}

  public static void sampleDouble(double temperature) {}

  public static void main(String[] args) {
    JobRunr.configure().useStorageProvider(new InMemoryStorageProvider()).initialize();
    float one = 1f;
    Map<String, JobLambda> jobs = new LinkedHashMap<>();
    jobs.put("1.5f", () -> Look.sample(1.5f));
    jobs.put("3f", () -> Look.sample(3f));
    jobs.put("a variable of 1f", () -> Look.sample(one));
    jobs.put("0f", () -> Look.sample(0f));
    jobs.put("1f", () -> Look.sample(1f));
    jobs.put("2f", () -> Look.sample(2f));
    jobs.put("0.0", () -> Look.sampleDouble(0.0));
    jobs.put("1.0", () -> Look.sampleDouble(1.0));
    jobs.put("2.0", () -> Look.sampleDouble(2.0));
    StringBuilder refused = new StringBuilder();
    for (var it : jobs.entrySet()) {
      try {
        BackgroundJob.enqueue(it.getValue());
        System.out.println(it.getKey() + ": enqueued");
      } catch (JobRunrException failure) {
        System.out.println(it.getKey() + ": " + failure.getCause().getMessage());
        refused.append(it.getKey());
      }
    }
    System.exit(refused.toString().equals("0f1f2f0.01.0") ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
