#!/usr/bin/env bash
# The Java SDK of CloudEvents reads an event whose bytes have no type, and writes them into its JSON as they are: `"data":hi`, which is no JSON.
# Package: io.cloudevents:cloudevents-json-jackson 4.0.1 (Maven).
# A good guess: an event that was read is written as it was; `data_base64` stays one, or becomes a text. Seen: without `datacontenttype` its bytes stand bare
# in the event's JSON, which the SDK itself cannot read again. Beside it an extension that is null is written as the text "null", a number such as 1e400
# as the text "Infinity", and one of 22 digits with fewer.
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
    <dependency><groupId>io.cloudevents</groupId><artifactId>cloudevents-json-jackson</artifactId><version>4.0.1</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import io.cloudevents.jackson.JsonFormat;
import io.cloudevents.rw.CloudEventRWException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

public class Look {
  static final String START = "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"t\",";

  public static void main(String[] args) {
    JsonFormat format = new JsonFormat();
    List<String> seen = new ArrayList<>();
    for (String member : List.of(
      "\"datacontenttype\":\"text/plain\",\"data_base64\":\"aGk=\"",
      "\"data_base64\":\"aGk=\"",
      "\"note\":null",
      "\"data\":1e400",
      "\"data\":0.1000000000000000000001"
    )) {
      byte[] bytes = format.serialize(format.deserialize((START + member + "}").getBytes(StandardCharsets.UTF_8)));
      String written = new String(bytes, StandardCharsets.UTF_8).replace(START, "").replaceAll("}$", "");
      String again = "read again";
      try {
        format.deserialize(bytes);
      } catch (CloudEventRWException | io.cloudevents.core.format.EventDeserializationException failure) {
        again = "not read again";
      }
      System.out.println(member + " is written as " + written + ", " + again);
      seen.add(written + ", " + again);
    }
    boolean same = seen.equals(List.of(
      "\"datacontenttype\":\"text/plain\",\"data_base64\":\"aGk=\", read again",
      "\"data\":hi, not read again",
      "\"note\":\"null\", read again",
      "\"datacontenttype\":\"application/json\",\"data\":\"Infinity\", read again",
      "\"datacontenttype\":\"application/json\",\"data\":0.1, read again"
    ));
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
