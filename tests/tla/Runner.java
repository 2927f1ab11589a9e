import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.reflect.Field;
import tlc2.TLC;
import tlc2.TLCGlobals;
import tlc2.tool.TLCState;
import tlc2.tool.liveness.LiveWorker;
import util.InternTable;
import util.SimpleFilenameToStream;
import util.ToolIO;
import util.UniqueString;

/**
 * Many explorations in one Java machine, which is what makes thousands of them cheap. A line in: a folder, a tab, the module's
 * name. Out: TLC's status and the number of bytes that it prints, in a line; and these.
 *
 * TLC keeps some of its state in static fields, which are put back here; whoever asks takes only agreement for an answer, and
 * runs TLC by itself otherwise.
 */
public final class Runner {
    public static void main(String[] arguments) throws Exception {
        BufferedReader jobs = new BufferedReader(new InputStreamReader(System.in));
        PrintStream answers = System.out;
        for (String job = jobs.readLine(); job != null; job = jobs.readLine()) {
            ByteArrayOutputStream said = new ByteArrayOutputStream();
            int status = explore(job.split("\t"), new PrintStream(said, true, "UTF-8"));
            answers.println(status + " " + said.size());
            said.writeTo(answers);
            answers.flush();
        }
        System.exit(0);
    }

    private static int explore(String[] job, PrintStream out) throws Exception {
        reset();
        System.setErr(out);
        System.setOut(out);
        ToolIO.out = out;
        ToolIO.err = out;
        ToolIO.setUserDir(job[0]);
        String module = job[0] + "/" + job[1] + ".tla";
        String[] options = {"-tool", "-deadlock", "-workers", "1", "-lncheck", "final", "-metadir", job[0] + "/states", module};
        try {
            TLC tlc = new TLC();
            tlc.setResolver(new SimpleFilenameToStream(job[0]));
            return tlc.handleParameters(options) ? tlc.process() : 1;
        } catch (Throwable problem) {
            problem.printStackTrace(out);
            return 255;
        }
    }

    private static void reset() throws Exception {
        TLCGlobals.mainChecker = null;
        TLCGlobals.simulator = null;
        TLCGlobals.metaDir = null;
        TLCState.Empty = null;
        field(LiveWorker.class, "errFoundByThread").setInt(null, -1);
        UniqueString[] names = (UniqueString[]) field(InternTable.class, "table").get(UniqueString.internTbl);
        for (UniqueString name : names) {
            if (name != null) {
                field(UniqueString.class, "loc").setInt(name, -1);
            }
        }
        field(UniqueString.class, "varCount").setInt(null, 0);
        ToolIO.reset();
    }

    private static Field field(Class<?> owner, String name) throws Exception {
        Field found = owner.getDeclaredField(name);
        found.setAccessible(true);
        return found;
    }
}
