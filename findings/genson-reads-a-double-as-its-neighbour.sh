#!/usr/bin/env bash
# Genson and dsl-json read about a tenth of all doubles as a neighbour of what was written.
# Packages: com.owlike:genson 1.6, com.dslplatform:dsl-json 2.0.2, com.google.code.gson:gson 2.13.1 (Maven).
# A good guess: a double that Java has written comes back the same from each reader, as Double.parseDouble has it. Seen: of 20,000 doubles with
# seventeen digits at most some 2,000 are one unit of the last place off in each of the two, and none in Gson; 1e-50 is 9.999999999999999E-51. So
# a FP64 tensor that is written and read is another one, and its digest too.
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
    <dependency><groupId>com.dslplatform</groupId><artifactId>dsl-json</artifactId><version>2.0.2</version></dependency>
    <dependency><groupId>com.owlike</groupId><artifactId>genson</artifactId><version>1.6</version></dependency>
    <dependency><groupId>com.google.code.gson</groupId><artifactId>gson</artifactId><version>2.13.1</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.dslplatform.json.DslJson;
import com.dslplatform.json.runtime.Settings;
import com.google.gson.Gson;
import com.owlike.genson.Genson;
import java.nio.charset.StandardCharsets;
import java.util.Random;

public class Look {
  public static void main(String[] args) throws Exception {
    Random random = new Random(1);
    int count = 20_000;
    double[] written = new double[count];
    StringBuilder text = new StringBuilder("[");
    for (int i = 0; i < count; i++) {
      written[i] = random.nextDouble() * Math.pow(10, random.nextInt(10) - 5);
      text.append(i == 0 ? "" : ",").append(written[i]);
    }
    byte[] bytes = text.append("]").toString().getBytes(StandardCharsets.UTF_8);
    double[][] read = {
      new Genson().deserialize(text.toString(), double[].class),
      new DslJson<Object>(Settings.basicSetup()).deserialize(double[].class, bytes, bytes.length),
      new Gson().fromJson(text.toString(), double[].class)
    };
    int[] other = new int[3];
    for (int reader = 0; reader < 3; reader++) {
      for (int i = 0; i < count; i++) {
        if (read[reader][i] != written[i]) other[reader]++;
      }
    }
    double tiny = new Genson().deserialize("[1e-50]", double[].class)[0];
    System.out.println("of 20,000 doubles are read as others: by Genson " + other[0] + ", by dsl-json " + other[1] + ", by Gson " + other[2]);
    System.out.println("1e-50 is " + tiny + " to Genson");
    System.exit(other[0] > 500 && other[1] > 500 && other[2] == 0 && tiny == 9.999999999999999E-51 ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
