import com.google.common.util.concurrent.ListenableFuture;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Locale;
import java.util.stream.Stream;
import software.amazon.awssdk.auth.credentials.EnvironmentVariableCredentialsProvider;
import software.amazon.kinesis.producer.KinesisProducer;
import software.amazon.kinesis.producer.KinesisProducerConfiguration;
import software.amazon.kinesis.producer.UserRecordResult;

/** The Kinesis Producer Library: every record's future is awaited; CPU and memory are those of Java and of its child. */
public final class Run {
    private static final int WINDOW = 10_000;
    private static final int KEYS = 10_000;
    private static final int DIGITS = 16;
    /** The limits of shards are lifted, as they are not what is measured. */
    private static final long UNLIMITED_PERCENT = 1_000_000;
    private static final long LONGER_THAN_A_RUN_MS = 300_000;

    private final byte[] text = text(Integer.parseInt(env("BENCH_SIZE")) - DIGITS);
    private final String[] keys = new String[KEYS];
    private long next;

    public static void main(String[] args) throws Exception {
        new Run().run(Long.parseLong(env("BENCH_WARMUP")), Long.parseLong(env("BENCH_RECORDS")));
    }

    private void run(long warmup, long records) throws Exception {
        for (int key = 0; key < KEYS; key++) {
            keys[key] = String.format(Locale.ROOT, "customer-%05d", key);
        }
        KinesisProducer producer = env("BENCH_SEND").equals("1") ? new KinesisProducer(configuration()) : null;
        send(producer, warmup);
        double cpu = cpuSeconds();
        long wall = System.nanoTime();
        send(producer, records);
        System.out.printf(Locale.ROOT, "cpu_s=%.3f wall_s=%.3f peak_kb=%d%n",
                cpuSeconds() - cpu, (System.nanoTime() - wall) / 1e9, peakKb());
        if (producer != null) {
            producer.destroy();
        }
        System.exit(0);
    }

    private static KinesisProducerConfiguration configuration() {
        long port = Long.parseLong(env("BENCH_PORT"));
        return new KinesisProducerConfiguration()
                .setRegion("us-east-1")
                .setKinesisEndpoint("127.0.0.1").setKinesisPort(port)
                .setStsEndpoint("127.0.0.1").setStsPort(port)
                .setVerifyCertificate(false)
                .setMetricsLevel("none")
                .setLogLevel("error")
                .setRateLimit(UNLIMITED_PERCENT)
                .setRecordTtl(LONGER_THAN_A_RUN_MS)
                .setTempDirectory(env("BENCH_PEER_FOLDER"))
                .setCredentialsProvider(EnvironmentVariableCredentialsProvider.create());
    }

    private void send(KinesisProducer producer, long count) throws Exception {
        ArrayDeque<ListenableFuture<UserRecordResult>> waiting = new ArrayDeque<>();
        for (long end = next + count; next < end; next++) {
            ByteBuffer record = record(next);
            if (producer == null) {
                continue;
            }
            if (waiting.size() == WINDOW) {
                check(waiting.poll());
            }
            waiting.add(producer.addUserRecord("bench", keys[(int) (next * 7919 % KEYS)], record));
        }
        if (producer != null) {
            producer.flush();
        }
        while (!waiting.isEmpty()) {
            check(waiting.poll());
        }
    }

    private static void check(ListenableFuture<UserRecordResult> result) throws Exception {
        if (!result.get().isSuccessful()) {
            throw new IllegalStateException("a record failed: " + result.get().getAttempts());
        }
    }

    private ByteBuffer record(long number) {
        byte[] data = new byte[DIGITS + text.length];
        for (int digit = DIGITS - 1; digit >= 0; digit--, number >>= 4) {
            data[digit] = (byte) Character.forDigit((int) (number & 15), 16);
        }
        System.arraycopy(text, 0, data, DIGITS, text.length);
        return ByteBuffer.wrap(data);
    }

    private static byte[] text(int length) {
        long state = 1;
        byte[] letters = new byte[length];
        for (int at = 0; at < length; at++) {
            state = state * 6_364_136_223_846_793_005L + 1_442_695_040_888_963_407L;
            letters[at] = "abcdefghijklmnopqrstuvwxyz0123456789".getBytes(StandardCharsets.US_ASCII)[(int) ((state >>> 33) % 36)];
        }
        return letters;
    }

    private static Stream<Long> processes() {
        return Stream.concat(Stream.of(ProcessHandle.current()), ProcessHandle.current().descendants()).map(ProcessHandle::pid);
    }

    private static double cpuSeconds() {
        return processes().mapToLong(Run::ticks).sum() / 100.0;
    }

    private static long ticks(long pid) {
        String stat = read(Path.of("/proc/" + pid + "/stat"));
        String[] fields = stat.substring(stat.lastIndexOf(')') + 2).split(" ");
        return Long.parseLong(fields[11]) + Long.parseLong(fields[12]);
    }

    private static long peakKb() {
        return processes().mapToLong(pid -> read(Path.of("/proc/" + pid + "/status")).lines()
                .filter(line -> line.startsWith("VmHWM:"))
                .mapToLong(line -> Long.parseLong(line.replaceAll("\\D", ""))).sum()).sum();
    }

    private static String read(Path path) {
        try {
            return Files.readString(path);
        } catch (IOException gone) {
            throw new IllegalStateException("a process of the library is gone: " + gone, gone);
        }
    }

    private static String env(String name) {
        String value = System.getenv(name);
        if (value == null) {
            throw new IllegalStateException(name + " is not set: the bench starts its clients");
        }
        return value;
    }
}
