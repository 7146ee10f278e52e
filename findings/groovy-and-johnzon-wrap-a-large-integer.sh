#!/usr/bin/env bash
# Groovy and Johnzon read a whole number of JSON that needs more than 64 bits as another one, such as 0, where they choose the type themselves.
# Packages: org.apache.groovy:groovy-json 5.1.1, org.apache.johnzon:johnzon-jsonb 2.0.2 (Maven).
# A good guess: where a reader chooses the type, it takes one that holds the number: BigInteger, as Jackson and json-smart do, or a double. Seen: both
# count modulo 2^64, so the largest UINT64 of a tensor, or an id of 64 bits, is -1, and 2^64 is 0, without a word. A fraction as long is kept
# exactly by Groovy, and Johnzon refuses such numbers for a `long` that it is told to read. Johnzon gives 0 as an Integer.
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
    <dependency><groupId>org.apache.groovy</groupId><artifactId>groovy-json</artifactId><version>5.1.1</version></dependency>
    <dependency><groupId>org.apache.johnzon</groupId><artifactId>johnzon-jsonb</artifactId><version>2.0.2</version></dependency>
    <dependency><groupId>jakarta.json</groupId><artifactId>jakarta.json-api</artifactId><version>2.1.3</version></dependency>
    <dependency><groupId>jakarta.json.bind</groupId><artifactId>jakarta.json.bind-api</artifactId><version>3.0.1</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import groovy.json.JsonSlurper;
import java.util.Map;
import org.apache.johnzon.jsonb.JohnzonProvider;

public class Look {
  static final String[] NUMBERS = {
    "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616", "100000000000000000000000",
  };

  static String told(Object number) {
    return number.getClass().getSimpleName() + " " + number;
  }

  public static void main(String[] args) {
    var johnzon = new JohnzonProvider().create().build();
    StringBuilder seen = new StringBuilder();
    for (String number : NUMBERS) {
      String text = "{\"a\":" + number + "}";
      String groovy = told(((Map<?, ?>) new JsonSlurper().parseText(text)).get("a"));
      String jsonb = told(johnzon.fromJson(text, Map.class).get("a"));
      System.out.println(number + ": Groovy " + groovy + ", Johnzon " + jsonb);
      seen.append(groovy + "/" + jsonb + ";");
    }
    String least = "Long -9223372036854775808/Long -9223372036854775808;";
    String expected = "Long 9223372036854775807/Long 9223372036854775807;" + least + "Long -1/Integer -1;Long 0/Integer 0;"
      + "Long 200376420520689664/Long 200376420520689664;";
    System.exit(seen.toString().equals(expected) ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
