#!/usr/bin/env bash
# db-scheduler says that a batch of tasks could not be scheduled if one of them is there already, and runs the others.
# Packages: com.github.kagkarlsson:db-scheduler 16.0.0, com.h2database:h2 2.4.240 (Maven).
# A good guess: a batch whose method throws "Failed to create all executions" has left nothing, or one is told which are there; scheduling a single one
# that is there is no error at all. Seen: with H2 the tasks before and behind the one that is there are stored and run. Who repeats the batch,
# as the exception asks for, gets it again, or runs those twice that are done by then.
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
    <dependency><groupId>com.github.kagkarlsson</groupId><artifactId>db-scheduler</artifactId><version>16.0.0</version></dependency>
    <dependency><groupId>com.h2database</groupId><artifactId>h2</artifactId><version>2.4.240</version></dependency>
    <dependency><groupId>org.slf4j</groupId><artifactId>slf4j-nop</artifactId><version>2.0.17</version></dependency>
  </dependencies>
</project>
XML
mvn -q -B dependency:copy-dependencies -DoutputDirectory=lib >/dev/null 2>&1
cat > Look.java <<'JAVA'
import com.github.kagkarlsson.scheduler.Scheduler;
import com.github.kagkarlsson.scheduler.exceptions.FailedToScheduleBatchException;
import com.github.kagkarlsson.scheduler.task.helper.Tasks;
import java.time.Duration;
import java.time.Instant;
import java.util.Collections;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

public class Look {
  static final String TABLE = "create table scheduled_tasks (task_name varchar(100), task_instance varchar(100), task_data blob,"
    + " execution_time timestamp with time zone, picked boolean, picked_by varchar(50), last_success timestamp with time zone,"
    + " last_failure timestamp with time zone, consecutive_failures int, last_heartbeat timestamp with time zone, version bigint,"
    + " priority int, primary key (task_name, task_instance))";

  public static void main(String[] args) throws Exception {
    var source = new org.h2.jdbcx.JdbcDataSource();
    source.setURL("jdbc:h2:mem:jobs;DB_CLOSE_DELAY=-1");
    try (var connection = source.getConnection(); var statement = connection.createStatement()) {
      statement.execute(TABLE);
    }
    Set<String> ran = Collections.synchronizedSet(new TreeSet<>());
    var task = Tasks.oneTime("infer", String.class).execute((instance, context) -> ran.add(instance.getId()));
    Scheduler scheduler = Scheduler.create(source, task).pollingInterval(Duration.ofMillis(100)).threads(2).build();
    scheduler.schedule(task.instance("there", "x"), Instant.now().plusSeconds(3600));
    boolean failed = false;
    try {
      scheduler.scheduleBatch(List.of(task.instance("before", "x"), task.instance("there", "x"), task.instance("behind", "x")), Instant.now());
    } catch (FailedToScheduleBatchException failure) {
      failed = true;
      System.out.println("the batch: " + failure.getMessage());
    }
    scheduler.start();
    Thread.sleep(2500);
    scheduler.stop();
    System.out.println("ran: " + ran);
    System.exit(failed && ran.equals(Set.of("before", "behind")) ? 0 : 1);
  }
}
JAVA
java -cp "lib/*" Look.java 2>/dev/null
