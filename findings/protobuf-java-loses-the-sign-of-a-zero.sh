#!/usr/bin/env bash
# Protobuf's JsonFormat for Java reads -0.0 as 0.0 into a double, and as -0.0 into a float; and a number beyond the largest float as infinity.
# Package: com.google.protobuf:protobuf-java-util 4.36.2 (Maven). A good guess: a number that its own printer has written is read as it was, for both
# widths, as Python's reader has it, and what a float cannot hold is refused, as 1e39 is. Seen: the printer writes -0.0 for a double and
# its parser reads 0.0; 3.4028236e38 is an infinite float, which is printed as "Infinity".
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
    <dependency><groupId>com.google.protobuf</groupId><artifactId>protobuf-java-util</artifactId><version>4.36.2</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.google.protobuf.DoubleValue;
import com.google.protobuf.FloatValue;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.protobuf.util.JsonFormat;
import java.util.List;

public class Look {
  static String again(Message.Builder builder, String json) {
    try {
      JsonFormat.parser().merge(json, builder);
      return JsonFormat.printer().print(builder.build());
    } catch (InvalidProtocolBufferException refused) {
      return "refused";
    }
  }

  public static void main(String[] args) throws Exception {
    String written = JsonFormat.printer().print(DoubleValue.of(-0.0));
    var seen = List.of(
        written,
        again(DoubleValue.newBuilder(), written),
        again(FloatValue.newBuilder(), written),
        again(FloatValue.newBuilder(), "3.4028235e38"),
        again(FloatValue.newBuilder(), "3.4028236e38"),
        again(FloatValue.newBuilder(), "1e39"));
    System.out.println("a double of -0.0 is written as " + seen.get(0) + " and read as " + seen.get(1) + "; as a float, " + seen.get(2));
    System.out.println("floats: 3.4028235e38 is " + seen.get(3) + ", 3.4028236e38 is " + seen.get(4) + ", 1e39 is " + seen.get(5));
    System.exit(seen.equals(List.of("-0.0", "0.0", "-0.0", "3.4028235E38", "\"Infinity\"", "refused")) ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java
