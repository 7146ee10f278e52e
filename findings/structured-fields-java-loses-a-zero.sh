#!/usr/bin/env bash
# greenbytes' structured fields for Java write 0.05 as 0.5, and 1.001 as 1.1: the zeros behind the point are lost.
# Package: org.greenbytes.http:structured-fields 0.4 (Maven).
# A good guess: a decimal that was read, or made of a BigDecimal, is written as the same number, as 0.5 is, and `get` gives what was written. Seen: the
# thousandths behind the point are written without the zeros in front of them, so each number that has one there grows: a weight of 0.05
# becomes ten times as large, also when a field is only read and handed on. `get` of the same item is right.
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
    <dependency><groupId>org.greenbytes.http</groupId><artifactId>structured-fields</artifactId><version>0.4</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.List;
import org.greenbytes.http.sfv.DecimalItem;
import org.greenbytes.http.sfv.Parser;

public class Look {
  public static void main(String[] args) {
    List<String> seen = new ArrayList<>();
    for (String number : List.of("0.5", "1.25", "0.05", "1.001", "-0.025")) {
      var read = Parser.parseItem(number);
      String handedOn = read.serialize();
      String made = DecimalItem.valueOf(new BigDecimal(number)).serialize();
      System.out.println(number + ": read as " + read.get() + ", handed on as " + handedOn + ", made and written as " + made);
      seen.add(handedOn + "/" + made);
    }
    String parameter = Parser.parseList("a;q=0.05, b;q=0.4").serialize();
    System.out.println("a;q=0.05, b;q=0.4 is handed on as " + parameter);
    boolean same = seen.equals(List.of("0.5/0.5", "1.25/1.25", "0.5/0.5", "1.1/1.1", "-0.25/-0.25"));
    System.exit(same && parameter.equals("a;q=0.5, b;q=0.4") ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
