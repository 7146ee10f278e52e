#!/usr/bin/env bash
# TensorFlow's arrays for Java cut numbers off to bfloat16, where they round them to half precision.
# Package: org.tensorflow:ndarray 1.0.0 (Maven).
# A good guess: a number becomes the nearest of the format, and of two as near the even one, in both formats of 16 bits, as in TensorFlow, PyTorch and
# ml_dtypes. Seen: half precision does so, bfloat16 drops the lower 16 bits: 65519 is 65280, which is 239 off, and not 65536, which is 17 off, and
# so every weight or embedding comes nearer to zero, by up to a whole step in place of half a one.
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
    <dependency><groupId>org.tensorflow</groupId><artifactId>ndarray</artifactId><version>1.0.0</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.ndarray.buffer.FloatDataBuffer;
import org.tensorflow.ndarray.buffer.layout.DataLayouts;

public class Look {
  /** The nearest bfloat16, and of two as near the even one. */
  static float nearest(float number) {
    int bits = Float.floatToIntBits(number);
    return Float.intBitsToFloat((bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000);
  }

  public static void main(String[] args) {
    FloatDataBuffer half = DataLayouts.FLOAT16.applyTo(DataBuffers.ofShorts(1));
    FloatDataBuffer brain = DataLayouts.BFLOAT16.applyTo(DataBuffers.ofShorts(1));
    boolean same = true;
    for (float number : new float[] {1.9999f, 0.3f, -0.3f, 65519f}) {
      half.setFloat(number, 0);
      brain.setFloat(number, 0);
      System.out.println(number + ": half precision " + half.getFloat(0) + ", bfloat16 " + brain.getFloat(0) + ", whose nearest is " + nearest(number));
      same &= Math.abs(half.getFloat(0) - number) <= Math.ulp(number) * (1 << 12);
      same &= brain.getFloat(0) == Float.intBitsToFloat(Float.floatToIntBits(number) & 0xffff0000) && brain.getFloat(0) != nearest(number);
    }
    System.exit(same ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
