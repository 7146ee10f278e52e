#!/usr/bin/env bash
# DJL writes an array that came as a big-endian buffer as other numbers, into NPZ and into safetensors.
# Package: ai.djl:api 0.38.0 (Maven), read back by numpy 2.4.6 (PyPI).
# A good guess: 1, 2 and 3 are 1, 2 and 3 in a file, wherever they came from: a `ByteBuffer`, which is big-endian unless told otherwise, or an
# array that NumPy saved as `>i4`. Seen: the array itself reads right; its bytes are then written as they are, under a header that says
# little-endian, so they are 16777216 and so on. DJL's own format keeps them. Seen with PassthroughNDManager, which needs no engine.
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
    <dependency><groupId>ai.djl</groupId><artifactId>api</artifactId><version>0.38.0</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
python3 -m venv --without-pip env
python3 -m pip --python env/bin/python install --quiet --no-compile --disable-pip-version-check numpy==2.4.6
env/bin/python -c 'import numpy; numpy.save("big.npy", numpy.array([1, 2, 3], ">i4"))'
cat > Look.java <<'JAVA'
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.util.passthrough.PassthroughNDManager;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Supplier;

public class Look {
  public static void main(String[] args) throws Exception {
    var manager = PassthroughNDManager.INSTANCE;
    byte[] numpy = Files.readAllBytes(Path.of("big.npy"));
    Map<String, Supplier<NDArray>> arrays = new LinkedHashMap<>();
    arrays.put("ints", () -> manager.create(new int[] {1, 2, 3}));
    arrays.put("buffer", () -> manager.create(ByteBuffer.allocate(12).putInt(1).putInt(2).putInt(3).flip(), new Shape(3), DataType.INT32));
    arrays.put("numpy", () -> NDList.decode(manager, numpy).get(0));
    for (var it : arrays.entrySet()) {
      System.out.print(it.getKey() + ": " + Arrays.toString(it.getValue().get().toIntArray()));
      for (var encoding : NDList.Encoding.values()) {
        byte[] bytes = new NDList(it.getValue().get()).encode(encoding);
        System.out.print(", " + encoding + " " + Arrays.toString(NDList.decode(manager, bytes).get(0).toIntArray()));
        if (encoding == NDList.Encoding.NPZ) Files.write(Path.of(it.getKey() + ".npz"), bytes);
      }
      System.out.println();
    }
  }
}
JAVA
{
  java -cp "lib/*" Look.java 2>/dev/null
  env/bin/python -c 'import numpy; [print(f"numpy reads {name}:", numpy.load(f"{name}.npz")["arr_0"].tolist()) for name in ("ints", "buffer", "numpy")]'
} | tee seen.txt
diff seen.txt - <<'SEEN'
ints: [1, 2, 3], ND_LIST [1, 2, 3], NPZ [1, 2, 3], SAFETENSORS [1, 2, 3]
buffer: [1, 2, 3], ND_LIST [1, 2, 3], NPZ [16777216, 33554432, 50331648], SAFETENSORS [16777216, 33554432, 50331648]
numpy: [1, 2, 3], ND_LIST [1, 2, 3], NPZ [16777216, 33554432, 50331648], SAFETENSORS [16777216, 33554432, 50331648]
numpy reads ints: [1, 2, 3]
numpy reads buffer: [16777216, 33554432, 50331648]
numpy reads numpy: [16777216, 33554432, 50331648]
SEEN
