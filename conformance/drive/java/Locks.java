import java.io.IOException;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashMap;
import java.util.Map;

/** The lock of conformance/drive/locks.py. With `broken` anybody who asks gives it back. */
public final class Locks implements RatifiedDrive.System {
    private final boolean broken;
    private String holder;
    private long grants;
    private final Deque<String> waiting = new ArrayDeque<>();

    private Locks(boolean broken) {
        this.broken = broken;
    }

    public static void main(String[] arguments) throws IOException {
        RatifiedDrive.serve(new Locks(arguments.length > 0 && arguments[0].equals("broken")));
    }

    @Override
    public void reset(Map<String, Object> arguments) {
        holder = null;
        grants = 0;
        waiting.clear();
    }

    @Override
    public void take(String action, Map<String, Object> arguments) throws Exception {
        String client = (String) arguments.get("c");
        switch (action) {
            case "acquire" -> {
                require(holder == null);
                grant(client);
            }
            case "wait" -> {
                require(holder != null && !holder.equals(client) && !waiting.contains(client));
                waiting.add(client);
            }
            case "release" -> {
                require(client.equals(holder) || (broken && !waiting.isEmpty()));
                holder = null;
                if (!waiting.isEmpty()) {
                    grant(waiting.remove());
                }
            }
            case "give_up" -> require(waiting.remove(client));
            default -> throw new RatifiedDrive.Cannot("there is no " + action);
        }
    }

    @Override
    public Map<String, Object> observe() {
        Map<String, Object> seen = new HashMap<>();
        seen.put("holder", holder);
        seen.put("grants", grants);
        seen.put("waiting", new ArrayList<>(waiting));
        return seen;
    }

    private void grant(String client) {
        holder = client;
        grants++;
    }

    private static void require(boolean condition) throws RatifiedDrive.Refused {
        if (!condition) {
            throw new RatifiedDrive.Refused("not now");
        }
    }
}
