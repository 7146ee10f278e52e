#!/usr/bin/env bash
# Arrow's Java library gives a uint16 as a character, and a large uint8, uint32 or uint64 as a negative number.
# Packages: org.apache.arrow:arrow-vector 19.0.0, org.apache.arrow:arrow-memory-unsafe 19.0.0 (Maven).
# A good guess: what `getObject` gives for an unsigned column is its number, in the next wider type, as Arrow's libraries of other languages do, and a
# table that is printed shows it. Seen: 200 as uint16 is the character È, and as uint8 -56, both printed and handed to who reads a table column
# by column. `getObjectNoOverflow`, which gives the numbers, is no method of the columns' common type.
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
    <dependency><groupId>org.apache.arrow</groupId><artifactId>arrow-vector</artifactId><version>19.0.0</version></dependency>
    <dependency><groupId>org.apache.arrow</groupId><artifactId>arrow-memory-unsafe</artifactId><version>19.0.0</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import java.util.List;
import org.apache.arrow.memory.RootAllocator;
import org.apache.arrow.vector.FieldVector;
import org.apache.arrow.vector.UInt1Vector;
import org.apache.arrow.vector.UInt2Vector;
import org.apache.arrow.vector.UInt4Vector;
import org.apache.arrow.vector.VectorSchemaRoot;

public class Look {
  public static void main(String[] args) {
    try (var memory = new RootAllocator();
        var bytes = new UInt1Vector("uint8", memory);
        var shorts = new UInt2Vector("uint16", memory);
        var ints = new UInt4Vector("uint32", memory)) {
      bytes.setSafe(0, 200);
      shorts.setSafe(0, 200);
      ints.setSafe(0, (int) 3000000000L);
      List<FieldVector> columns = List.of(bytes, shorts, ints);
      columns.forEach(it -> it.setValueCount(1));
      StringBuilder seen = new StringBuilder();
      for (FieldVector column : columns) seen.append(column.getObject(0).getClass().getSimpleName() + " " + column.getObject(0) + "; ");
      String printed = new VectorSchemaRoot(columns).contentToTSVString();
      System.out.println("one by one: " + seen);
      System.out.println("printed:\n" + printed);
      System.exit(seen.toString().equals("Byte -56; Character \u00c8; Integer -1294967296; ") && printed.contains("-56\t\u00c8\t-1294967296") ? 0 : 1);
    }
  }
}
JAVA
java --add-opens=java.base/java.nio=ALL-UNNAMED -Dfile.encoding=UTF-8 -cp "lib/*" Look.java 2>/dev/null
