#!/usr/bin/env bash
# Retrofit sends a text of a multipart form in quotes and calls it JSON if its one converter is Gson's, so a server looks for a model `"whisper"`.
# Packages: com.squareup.retrofit2:retrofit 3.0.0, com.squareup.retrofit2:converter-gson 3.0.0 (Maven).
# A good guess: `@Part("model") String` is a field of a form with these letters, as `@Field` and `@Query` have it in the same interface. Seen: the part
# has `Content-Type: application/json` and the value `"whisper"`, quotes included. It is plain text only if a converter of scalars is registered
# too, before Gson's. An empty 202 throws an EOFException, though an empty 204 is a success.
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
    <dependency><groupId>com.squareup.retrofit2</groupId><artifactId>retrofit</artifactId><version>3.0.0</version></dependency>
    <dependency><groupId>com.squareup.retrofit2</groupId><artifactId>converter-gson</artifactId><version>3.0.0</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.sun.net.httpserver.HttpServer;
import java.io.EOFException;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import retrofit2.Call;
import retrofit2.Retrofit;
import retrofit2.converter.gson.GsonConverterFactory;
import retrofit2.http.Field;
import retrofit2.http.FormUrlEncoded;
import retrofit2.http.Multipart;
import retrofit2.http.POST;
import retrofit2.http.Part;

public class Look {
  interface Api {
    @Multipart
    @POST("parts")
    Call<Map<String, String>> parts(@Part("model") String model);

    @FormUrlEncoded
    @POST("fields")
    Call<Map<String, String>> fields(@Field("model") String model);
  }

  static volatile String received = "";
  static volatile int status = 200;

  static String send(int answer, Call<Map<String, String>> call) throws Exception {
    status = answer;
    try {
      return call.execute().isSuccessful() ? "success" : "refused";
    } catch (EOFException failure) {
      return "EOFException";
    }
  }

  public static void main(String[] args) throws Exception {
    HttpServer server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
    server.createContext("/", exchange -> {
      received = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
      byte[] body = (status == 200 ? "{}" : "").getBytes(StandardCharsets.UTF_8);
      exchange.sendResponseHeaders(status, body.length == 0 ? -1 : body.length);
      exchange.getResponseBody().write(body);
      exchange.close();
    });
    server.start();
    String url = "http://127.0.0.1:" + server.getAddress().getPort() + "/";
    Api api = new Retrofit.Builder().baseUrl(url).addConverterFactory(GsonConverterFactory.create()).build().create(Api.class);
    send(200, api.fields("whisper"));
    String field = received;
    send(200, api.parts("whisper"));
    String[] lines = received.split("\r\n");
    String value = lines[lines.length - 2];
    boolean json = received.contains("Content-Type: application/json");
    String accepted = send(202, api.fields("whisper"));
    String empty = send(204, api.fields("whisper"));
    System.out.println("as a field: " + field);
    System.out.println("as a part: " + value + (json ? ", of type application/json" : ""));
    System.out.println("an empty 202: " + accepted + "; an empty 204: " + empty);
    boolean same = field.equals("model=whisper") && value.equals("\"whisper\"") && json;
    System.exit(same && accepted.equals("EOFException") && empty.equals("success") ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
