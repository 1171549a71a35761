import com.amazonaws.kinesis.agg.RecordAggregator;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Base64;
import java.util.List;
import software.amazon.kinesis.retrieval.AggregatorUtil;
import software.amazon.kinesis.retrieval.KinesisClientRecord;

/**
 * A user record is a line: its partition key in base64, its explicit hash key or a dash, its data in base64. User records that
 * belong to one aggregated record end with an empty line.
 */
public class Peer {
    private static final BufferedReader IN = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
    private static final PrintStream OUT = new PrintStream(System.out, false, StandardCharsets.US_ASCII);

    public static void main(String[] arguments) throws Exception {
        if (arguments[0].equals("pack")) {
            pack();
        } else {
            unpack();
        }
        OUT.flush();
    }

    /** Lines of a shard's first and last hash key and a record in base64, to the user records that belong to that shard. */
    private static void unpack() throws IOException {
        for (String line = IN.readLine(); line != null; line = IN.readLine()) {
            String[] fields = line.split(" ");
            ByteBuffer data = ByteBuffer.wrap(Base64.getDecoder().decode(fields[2]));
            KinesisClientRecord record = KinesisClientRecord.builder().data(data).partitionKey("a").sequenceNumber("1").build();
            BigInteger first = new BigInteger(fields[0]);
            BigInteger last = new BigInteger(fields[1]);
            for (KinesisClientRecord found : new AggregatorUtil().deaggregate(List.of(record), first, last)) {
                byte[] content = new byte[found.data().remaining()];
                found.data().get(content);
                String explicitHashKey = found.explicitHashKey() == null ? "-" : found.explicitHashKey();
                OUT.println(encoded(found.partitionKey().getBytes(StandardCharsets.UTF_8)) + " " + explicitHashKey + " " + encoded(content));
            }
            OUT.println();
        }
    }

    /** User records, to aggregated records in base64, a line each. */
    private static void pack() throws Exception {
        RecordAggregator aggregator = new RecordAggregator();
        for (String line = IN.readLine(); line != null; line = IN.readLine()) {
            if (line.isEmpty()) {
                OUT.println(encoded(aggregator.clearAndGet().toRecordBytes()));
                continue;
            }
            String[] fields = line.split(" ", -1);
            String partitionKey = new String(Base64.getDecoder().decode(fields[0]), StandardCharsets.UTF_8);
            String explicitHashKey = fields[1].equals("-") ? null : fields[1];
            if (aggregator.addUserRecord(partitionKey, explicitHashKey, Base64.getDecoder().decode(fields[2])) != null) {
                throw new IllegalArgumentException("more than one aggregated record holds");
            }
        }
    }

    private static String encoded(byte[] data) {
        return Base64.getEncoder().encodeToString(data);
    }
}
