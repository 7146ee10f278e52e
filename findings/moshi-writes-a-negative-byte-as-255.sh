#!/usr/bin/env bash
# Moshi writes the byte -1 as 255, which no tensor of INT8 may hold, and reads 255 as -1. Gson writes -1.
# Packages: com.squareup.moshi:moshi 1.15.2, com.google.code.gson:gson 2.15.0 (Maven).
# A good guess: Java's byte goes from -128 to 127, and its JSON too. Seen: `byte[]{-1, -128, 127}` is [255,128,127], though -1 is read as -1;
# the data of INT8 that a client makes of its bytes is refused by a server that checks it, and taken for other numbers by one that doesn't.
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
    <dependency><groupId>com.squareup.moshi</groupId><artifactId>moshi</artifactId><version>1.15.2</version></dependency>
    <dependency><groupId>com.google.code.gson</groupId><artifactId>gson</artifactId><version>2.15.0</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.google.gson.Gson;
import com.squareup.moshi.Moshi;
import java.util.Arrays;

public class Look {
  public static void main(String[] args) throws Exception {
    var bytes = new byte[] {-1, -128, 127};
    var moshi = new Moshi.Builder().build().adapter(byte[].class);
    String written = moshi.toJson(bytes);
    String byGson = new Gson().toJson(bytes);
    String read = Arrays.toString(moshi.fromJson("[255,-1]"));
    System.out.println("-1, -128, 127: Moshi writes " + written + ", Gson " + byGson + "; Moshi reads [255,-1] as " + read);
    System.exit(written.equals("[255,128,127]") && byGson.equals("[-1,-128,127]") && read.equals("[-1, -1]") ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java
