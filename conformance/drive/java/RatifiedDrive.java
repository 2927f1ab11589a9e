import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Lets Ratified drive a system in Java along a model; the protocol is in docs/drive-protocol.md. The standard library, nothing else:
 * copy this file. Implement {@link System} and call {@link #serve}.
 *
 * <p>Values are null, Boolean, Long, String, List and Map. Standard output belongs to the protocol: what is printed to System.out while
 * a system is driven goes to standard error.
 */
public final class RatifiedDrive {
    /** The version that is spoken. */
    public static final long PROTOCOL = 1;

    /** What is driven. */
    public interface System {
        /** Begin anew. */
        void reset(Map<String, Object> arguments) throws Exception;

        /** Do what an action of the model does. Throws Refused, Cannot; anything else is a failure of the system. */
        void take(String action, Map<String, Object> arguments) throws Exception;

        /** What is compared with the model's state, by variable. */
        Map<String, Object> observe() throws Exception;

        /** What the answer to hello says besides: {"cannot": {"expire": "its clock cannot be moved"}}. */
        default Map<String, Object> hello() {
            return Map.of();
        }
    }

    /** The system does not do it. */
    @SuppressWarnings("serial")
    public static final class Refused extends Exception {
        public Refused(String reason) {
            super(reason);
        }
    }

    /** There is no way to ask for it here. */
    @SuppressWarnings("serial")
    public static final class Cannot extends Exception {
        public Cannot(String reason) {
            super(reason);
        }
    }

    private RatifiedDrive() {}

    /** Answer requests until bye, or the end of the input. */
    public static void serve(System system) throws IOException {
        PrintStream out = java.lang.System.out;
        java.lang.System.setOut(java.lang.System.err);
        BufferedReader in = new BufferedReader(new InputStreamReader(java.lang.System.in, StandardCharsets.UTF_8));
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            Map<String, Object> request = object(new Reader(line).whole());
            Map<String, Object> answer = new LinkedHashMap<>();
            answer.put("id", request.get("id"));
            answer.putAll(answered(system, request));
            StringBuilder text = new StringBuilder();
            write(answer, text);
            byte[] bytes = text.append('\n').toString().getBytes(StandardCharsets.UTF_8);
            out.write(bytes, 0, bytes.length);
            out.flush();
            if (request.containsKey("bye")) {
                return;
            }
        }
    }

    private static Map<String, Object> answered(System system, Map<String, Object> request) {
        try {
            if (request.containsKey("hello")) {
                Map<String, Object> hello = new LinkedHashMap<>(system.hello());
                hello.put("protocol", PROTOCOL);
                return Map.of("hello", hello);
            }
            if (request.containsKey("bye")) {
                return Map.of("bye", Map.of());
            }
            if (request.containsKey("reset")) {
                system.reset(object(request.get("reset")));
            } else if (request.containsKey("do")) {
                try {
                    system.take((String) request.get("do"), object(request.get("arguments")));
                } catch (Refused refused) {
                    return Map.of("refused", refused.getMessage(), "observed", system.observe());
                }
            }
            return Map.of("observed", system.observe());
        } catch (Cannot cannot) {
            return Map.of("cannot", cannot.getMessage());
        } catch (Exception problem) {
            return Map.of("error", problem.toString());
        }
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> object(Object value) {
        return (Map<String, Object>) value;
    }

    private static void write(Object value, StringBuilder out) {
        if (value instanceof Map<?, ?> map) {
            String between = "{";
            for (Map.Entry<?, ?> entry : map.entrySet()) {
                out.append(between);
                write(String.valueOf(entry.getKey()), out);
                out.append(':');
                write(entry.getValue(), out);
                between = ",";
            }
            out.append(map.isEmpty() ? "{}" : "}");
        } else if (value instanceof Iterable<?> items) {
            out.append('[');
            String between = "";
            for (Object item : items) {
                out.append(between);
                write(item, out);
                between = ",";
            }
            out.append(']');
        } else if (value instanceof CharSequence text) {
            out.append('"');
            for (int i = 0; i < text.length(); i++) {
                char c = text.charAt(i);
                if (c == '"' || c == '\\') {
                    out.append('\\').append(c);
                } else if (c < ' ') {
                    out.append(String.format("\\u%04x", (int) c));
                } else {
                    out.append(c);
                }
            }
            out.append('"');
        } else {
            out.append(value); // null, a truth value or a number
        }
    }

    /** Reads JSON without fractions, which the protocol does not have. */
    private static final class Reader {
        private final String text;
        private int at;

        Reader(String text) {
            this.text = text;
        }

        Object whole() throws IOException {
            Object value = value();
            if (peek() != 0) {
                throw wrong();
            }
            return value;
        }

        private char peek() {
            while (at < text.length() && Character.isWhitespace(text.charAt(at))) {
                at++;
            }
            return at < text.length() ? text.charAt(at) : 0;
        }

        private boolean skip(char c) {
            if (peek() != c) {
                return false;
            }
            at++;
            return true;
        }

        private IOException wrong() {
            return new IOException("a request cannot be read at character " + (at + 1) + ": " + text);
        }

        private Object value() throws IOException {
            char c = peek();
            if (c == '{') {
                at++;
                Map<String, Object> map = new LinkedHashMap<>();
                while (!skip('}')) {
                    if (!map.isEmpty() && !skip(',')) {
                        throw wrong();
                    }
                    String name = string();
                    if (!skip(':')) {
                        throw wrong();
                    }
                    map.put(name, value());
                }
                return map;
            }
            if (c == '[') {
                at++;
                List<Object> list = new ArrayList<>();
                while (!skip(']')) {
                    if (!list.isEmpty() && !skip(',')) {
                        throw wrong();
                    }
                    list.add(value());
                }
                return list;
            }
            if (c == '"') {
                return string();
            }
            int start = at;
            while (at < text.length() && (Character.isLetterOrDigit(text.charAt(at)) || text.charAt(at) == '-')) {
                at++;
            }
            String word = text.substring(start, at);
            switch (word) {
                case "null":
                    return null;
                case "true":
                    return true;
                case "false":
                    return false;
                default:
                    try {
                        return Long.parseLong(word);
                    } catch (NumberFormatException problem) {
                        throw wrong();
                    }
            }
        }

        private String string() throws IOException {
            if (!skip('"')) {
                throw wrong();
            }
            StringBuilder out = new StringBuilder();
            while (at < text.length()) {
                char c = text.charAt(at++);
                if (c == '"') {
                    return out.toString();
                }
                if (c != '\\') {
                    out.append(c);
                    continue;
                }
                if (at == text.length()) {
                    break;
                }
                char escaped = text.charAt(at++);
                int known = "bfnrt".indexOf(escaped);
                if (known >= 0) {
                    out.append("\b\f\n\r\t".charAt(known));
                } else if (escaped == 'u' && at + 4 <= text.length()) {
                    try {
                        out.append((char) Integer.parseInt(text.substring(at, at + 4), 16));
                    } catch (NumberFormatException problem) {
                        throw wrong();
                    }
                    at += 4;
                } else if ("\"\\/".indexOf(escaped) >= 0) {
                    out.append(escaped);
                } else {
                    throw wrong();
                }
            }
            throw wrong();
        }
    }
}
