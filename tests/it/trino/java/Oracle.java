import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.trino.plugin.memory.MemoryPlugin;
import io.trino.spi.TrinoException;
import io.trino.spi.type.ArrayType;
import io.trino.spi.type.MapType;
import io.trino.spi.type.RowType;
import io.trino.spi.type.TimeType;
import io.trino.spi.type.TimeZoneKey;
import io.trino.spi.type.TimestampType;
import io.trino.spi.type.TimestampWithTimeZoneType;
import io.trino.spi.type.Type;
import io.trino.sql.parser.ParsingException;
import io.trino.testing.LocalQueryRunner;
import io.trino.testing.MaterializedResult;
import io.trino.testing.MaterializedRow;
import io.trino.testing.TestingSession;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Trino in this process. Each line of the input is a statement as a JSON string; each line of the output is its answer: names
 * and types of the columns, rows as Athena writes them as text, or the kind of the error.
 */
public class Oracle {
    private static final ObjectMapper JSON = new ObjectMapper();

    public static void main(String[] arguments) throws Exception {
        PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
        System.setOut(System.err);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (LocalQueryRunner runner = runner()) {
            for (String line = in.readLine(); line != null; line = in.readLine()) {
                out.println(JSON.writeValueAsString(answer(runner, JSON.readValue(line, String.class))));
                out.flush();
            }
        }
        System.exit(0);
    }

    private static LocalQueryRunner runner() {
        LocalQueryRunner runner = LocalQueryRunner.create(TestingSession.testSessionBuilder()
                .setCatalog("memory")
                .setSchema("default")
                .setTimeZoneKey(TimeZoneKey.UTC_KEY)
                .build());
        runner.installPlugin(new MemoryPlugin());
        runner.createCatalog("memory", "memory", Map.of());
        return runner;
    }

    private static ObjectNode answer(LocalQueryRunner runner, String sql) {
        ObjectNode answer = JSON.createObjectNode();
        try {
            MaterializedResult result = runner.execute(sql);
            List<Type> types = result.getTypes();
            ArrayNode columns = answer.putArray("columns");
            for (int index = 0; index < types.size(); index++) {
                columns.addArray().add(result.getColumnNames().get(index)).add(types.get(index).getDisplayName());
            }
            ArrayNode rows = answer.putArray("rows");
            for (MaterializedRow row : result.getMaterializedRows()) {
                ArrayNode values = rows.addArray();
                for (int index = 0; index < types.size(); index++) {
                    values.add(text(types.get(index), row.getField(index)));
                }
            }
        }
        catch (TrinoException error) {
            answer.put("error", error.getErrorCode().getName()).put("message", error.getMessage());
        }
        catch (ParsingException error) {
            answer.put("error", "SYNTAX_ERROR").put("message", error.getMessage());
        }
        catch (RuntimeException error) {
            Throwable cause = error;
            while (cause != null && !(cause instanceof TrinoException)) {
                cause = cause.getCause();
            }
            if (cause instanceof TrinoException known) {
                answer.put("error", known.getErrorCode().getName()).put("message", known.getMessage());
            }
            else {
                answer.put("error", "GENERIC_INTERNAL_ERROR").put("message", String.valueOf(error));
            }
        }
        return answer;
    }

    private static String text(Type type, Object value) {
        if (value == null) {
            return null;
        }
        if (type instanceof ArrayType array) {
            List<String> items = new ArrayList<>();
            for (Object item : (List<?>) value) {
                items.add(String.valueOf(text(array.getElementType(), item)));
            }
            return "[" + String.join(", ", items) + "]";
        }
        if (type instanceof MapType map) {
            List<String> entries = new ArrayList<>();
            for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
                entries.add(text(map.getKeyType(), entry.getKey()) + "=" + text(map.getValueType(), entry.getValue()));
            }
            return "{" + String.join(", ", entries) + "}";
        }
        if (type instanceof RowType row) {
            List<?> values = value instanceof MaterializedRow materialized ? materialized.getFields() : (List<?>) value;
            List<String> fields = new ArrayList<>();
            for (int index = 0; index < values.size(); index++) {
                RowType.Field field = row.getFields().get(index);
                String name = field.getName().orElse("field" + index);
                fields.add(name + "=" + text(field.getType(), values.get(index)));
            }
            return "{" + String.join(", ", fields) + "}";
        }
        return type instanceof TimestampType || type instanceof TimestampWithTimeZoneType || type instanceof TimeType
                ? inMilliseconds(value.toString())
                : value.toString();
    }

    /** Athena writes three digits of a second, however many the type has. */
    private static String inMilliseconds(String text) {
        return text.replaceFirst("(:\\d\\d:\\d\\d)(?!\\.)", "$1.000");
    }
}
