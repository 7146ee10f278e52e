#!/usr/bin/env bash
# JetBrains' reader of NumPy's files for the JVM fills a file that was cut off with zeros, and makes negative numbers of large unsigned ones.
# Packages: org.jetbrains.bio:npy 0.3.5 (Maven), numpy 2.4.6 (PyPI).
# A good guess: a file that ends before its shape is full is an error, as NumPy raises a ValueError; an unsigned type is refused, as float16 and
# Fortran's order are, or comes with its name. Seen: the missing elements are 0.0, and nothing tells them from others. A byte of 200, such as a
# pixel, is -56, and 3,000,000,000 is -1294967296; the array has a shape and no type, so who reads it cannot know. A scalar is refused.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder" || true' EXIT
cd "$folder"
python3 -m venv env
env/bin/pip -q install --no-compile --disable-pip-version-check numpy==2.4.6
cat > pom.xml <<'XML'
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>look</groupId>
  <artifactId>look</artifactId>
  <version>1</version>
  <dependencies>
    <dependency><groupId>org.jetbrains.bio</groupId><artifactId>npy</artifactId><version>0.3.5</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > write.py <<'PY'
import pathlib

import numpy

numpy.save("whole.npy", numpy.arange(1, 7, dtype=numpy.float32))
pathlib.Path("cut.npy").write_bytes(pathlib.Path("whole.npy").read_bytes()[:-8])
try:
    numpy.load("cut.npy")
except ValueError as error:
    print("NumPy:", error)
numpy.save("pixels.npy", numpy.array([1, 200], dtype=numpy.uint8))
numpy.save("counts.npy", numpy.array([1, 3_000_000_000], dtype=numpy.uint32))
numpy.save("scalar.npy", numpy.array(7, dtype=numpy.float32))
PY
cat > Look.java <<'JAVA'
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jetbrains.bio.npy.NpyArray;
import org.jetbrains.bio.npy.NpyFile;

public class Look {
  static NpyArray read(String name) {
    return NpyFile.read(Path.of(name + ".npy"), 4096);
  }

  public static void main(String[] args) {
    List<String> seen = new ArrayList<>();
    NpyArray cut = read("cut");
    seen.add(Arrays.toString(cut.getShape()) + " " + Arrays.toString(cut.asFloatArray()));
    seen.add(Arrays.toString(read("pixels").asByteArray()));
    seen.add(Arrays.toString(read("counts").asIntArray()));
    try {
      read("scalar");
      seen.add("read");
    } catch (RuntimeException failure) {
      seen.add("a scalar is refused");
    }
    seen.forEach(System.out::println);
    List<String> want = List.of("[6] [1.0, 2.0, 3.0, 4.0, 0.0, 0.0]", "[1, -56]", "[1, -1294967296]", "a scalar is refused");
    System.exit(seen.equals(want) ? 0 : 1);
  }
}
JAVA
env/bin/python write.py
java -cp "lib/*" Look.java
