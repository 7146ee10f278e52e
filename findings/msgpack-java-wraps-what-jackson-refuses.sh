#!/usr/bin/env bash
# MessagePack's module for Jackson reads the largest uint64 into a long as -1, and 2147483648 into an int as a negative number.
# Packages: org.msgpack:jackson-dataformat-msgpack 0.9.11, com.fasterxml.jackson.dataformat:jackson-dataformat-cbor 2.18.4 (Maven).
# A good guess: an ObjectMapper checks the bounds of what it reads the same in each format, as it does in JSON and CBOR. Seen: only a byte and a short
# are checked; a seed or an id that another language has packed is another number, without an error. 0.1 of 32 bits, which CBOR gives as
# 0.1, is 0.10000000149011612.
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
    <dependency><groupId>org.msgpack</groupId><artifactId>jackson-dataformat-msgpack</artifactId><version>0.9.11</version></dependency>
    <dependency><groupId>com.fasterxml.jackson.dataformat</groupId><artifactId>jackson-dataformat-cbor</artifactId><version>2.18.4</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.fasterxml.jackson.core.exc.InputCoercionException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.dataformat.cbor.CBORFactory;
import java.math.BigInteger;
import org.msgpack.jackson.dataformat.MessagePackFactory;

public class Look {
  static String back(ObjectMapper mapper, Object value, Class<?> type) throws Exception {
    try {
      return String.valueOf(mapper.readValue(mapper.writeValueAsBytes(value), type));
    } catch (InputCoercionException refused) {
      return "refused";
    }
  }

  static String all(ObjectMapper mapper) throws Exception {
    String longs = back(mapper, new BigInteger("18446744073709551615"), long.class);
    String ints = back(mapper, 2147483648L, int.class);
    return longs + ", " + ints + ", " + back(mapper, 70000, short.class) + ", " + back(mapper, 0.1f, Object.class);
  }

  public static void main(String[] args) throws Exception {
    String packed = all(new ObjectMapper(new MessagePackFactory()));
    String cbor = all(new ObjectMapper(new CBORFactory()));
    System.out.println("2^64 - 1 as a long, 2^31 as an int, 70000 as a short, and a float of 0.1");
    System.out.println("MessagePack: " + packed);
    System.out.println("CBOR: " + cbor);
    System.exit(packed.equals("-1, -2147483648, refused, 0.10000000149011612") && cbor.equals("refused, refused, refused, 0.1") ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
