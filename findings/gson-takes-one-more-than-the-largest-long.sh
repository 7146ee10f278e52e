#!/usr/bin/env bash
# Gson reads 9223372036854775808 into a long as one less, and two numbers that are written with a point or exponent as others, without an error.
# Package: com.google.code.gson:gson 2.15.0 (Maven). A good guess: what a long cannot hold is refused, as 18446744073709551615 and 1e20 are; a
# UINT64 tensor begins to matter just there. Seen: 2^63 is read as 2^63 - 1, the element beside it is right, and so nobody is told; from a
# tree the same number is -2^63 and 1e20 is 7766279631452241920. 9007199254740993.0 is one less in a long[], and itself from a tree.
# Moshi refuses 2^63, and reads 9007199254740993.0 exactly.
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
    <dependency><groupId>com.google.code.gson</groupId><artifactId>gson</artifactId><version>2.15.0</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.google.gson.Gson;
import com.google.gson.JsonArray;
import com.google.gson.JsonSyntaxException;
import java.util.Arrays;

public class Look {
  static String typed(String json) {
    try {
      return Arrays.toString(new Gson().fromJson(json, long[].class));
    } catch (JsonSyntaxException refused) {
      return "refused";
    }
  }

  public static void main(String[] args) {
    String[][] cases = {
      {"[9223372036854775808]", "[9223372036854775807]", "-9223372036854775808"},
      {"[18446744073709551615]", "refused", "-1"},
      {"[1e20]", "refused", "7766279631452241920"},
      {"[9007199254740993.0]", "[9007199254740992]", "9007199254740993"},
      {"[9007199254740993]", "[9007199254740993]", "9007199254740993"},
    };
    boolean same = true;
    for (String[] it : cases) {
      String tree = String.valueOf(new Gson().fromJson(it[0], JsonArray.class).get(0).getAsLong());
      System.out.println(it[0] + ": as long[] " + typed(it[0]) + ", from a tree " + tree);
      same &= typed(it[0]).equals(it[1]) && tree.equals(it[2]);
    }
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java
