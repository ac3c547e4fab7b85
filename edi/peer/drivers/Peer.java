import com.berryworks.edireader.EDIReader;
import com.berryworks.edireader.EDIReaderFactory;
import io.xlate.edi.stream.EDIInputFactory;
import io.xlate.edi.stream.EDIStreamEvent;
import io.xlate.edi.stream.EDIStreamReader;
import java.io.BufferedReader;
import java.io.ByteArrayInputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.StringWriter;
import java.io.Writer;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.xml.sax.Attributes;
import org.xml.sax.InputSource;
import org.xml.sax.helpers.DefaultHandler;

/** Runs EDIReader and StAEDI for package peer, which has the protocol. */
public class Peer {
  interface Work {
    void pass(byte[] data) throws Exception;
  }

  static long seen; // so that no work can be left out

  public static void main(String[] args) throws Exception {
    BufferedReader orders = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    ThreadMXBean threads = ManagementFactory.getThreadMXBean();
    String held = null;
    byte[] data = null;
    for (String line; (line = orders.readLine()) != null; ) {
      String[] order = line.split("\t", 3);
      if (!order[2].equals(held)) {
        held = order[2];
        data = Files.readAllBytes(Path.of(held));
      }
      if (order[0].equals("facts")) {
        System.out.println(new Facts().of(data));
        continue;
      }
      Work work = work(args[0], order[0]);
      // The time of this thread alone: compiler and collector work in others.
      long from = threads.getCurrentThreadCpuTime(), passes = 0;
      long until = from + (long) (Double.parseDouble(order[1]) * 1e9);
      seen = 0;
      String failed = "";
      try {
        while (passes == 0 || threads.getCurrentThreadCpuTime() < until) {
          work.pass(data);
          passes++;
        }
      } catch (Exception e) {
        failed = String.valueOf(e);
      }
      double took = (threads.getCurrentThreadCpuTime() - from) / 1e9;
      System.out.println("{\"bytes\":" + passes * data.length + ",\"cpu\":" + took + ",\"segments\":" + seen / Math.max(passes, 1) + ",\"failed\":" + quoted(failed) + "}");
    }
  }

  static Work work(String engine, String order) {
    if (engine.equals("staedi")) {
      return Peer::staedi;
    }
    boolean ack = order.equals("ack");
    return data -> {
      StringWriter answer = ack ? new StringWriter() : null;
      edireader(data, answer, new DefaultHandler() {
        @Override
        public void startElement(String uri, String name, String qualified, Attributes attributes) {
          if (name.equals("segment")) {
            seen++;
          }
        }
      }, new ArrayList<>());
    };
  }

  static void edireader(byte[] data, Writer ack, DefaultHandler handler, List<String> errors) throws Exception {
    Reader text = new InputStreamReader(new ByteArrayInputStream(data), StandardCharsets.ISO_8859_1);
    InputSource source = new InputSource(text);
    char[] left = null;
    for (EDIReader reader; (reader = EDIReaderFactory.createEDIReader(source, left)) != null; ) {
      if (ack != null) {
        reader.setAcknowledgment(ack);
      }
      reader.setSyntaxExceptionHandler(e -> errors.add(e.getMessage()));
      reader.setContentHandler(handler);
      reader.parse(source);
      left = reader.getTokenizer().getBuffered();
    }
  }

  static void staedi(byte[] data) throws Exception {
    try (EDIStreamReader reader = EDIInputFactory.newFactory().createEDIStreamReader(new ByteArrayInputStream(data))) {
      while (reader.hasNext()) {
        EDIStreamEvent event = reader.next();
        if (event == EDIStreamEvent.START_SEGMENT) {
          seen++;
        } else if (event == EDIStreamEvent.ELEMENT_DATA && reader.getText() == null) {
          throw new IllegalStateException("an element without text");
        }
      }
    }
  }

  /** What EDIReader read: the segments of each set, its acknowledgement, its errors. */
  static class Facts extends DefaultHandler {
    final List<String> sets = new ArrayList<>();
    final List<String> errors = new ArrayList<>();
    final StringBuilder text = new StringBuilder();
    List<String> segments;
    String tag;
    TreeMap<Integer, String> elements;
    List<String> components;
    int at;
    String head;

    String of(byte[] data) {
      StringWriter ack = new StringWriter();
      String failed = "";
      try {
        edireader(data, ack, this, errors);
      } catch (Exception e) {
        failed = e.getClass().getSimpleName() + ": " + e.getMessage();
      }
      List<String> all = new ArrayList<>();
      for (String e : errors) {
        all.add(quoted(e));
      }
      return "{\"sets\":[" + String.join(",", sets) + "],\"ack\":" + quoted(ack.toString()) + ",\"errors\":[" + String.join(",", all) + "],\"failed\":" + quoted(failed) + "}";
    }

    @Override
    public void startElement(String uri, String name, String qualified, Attributes a) {
      switch (name) {
        case "transaction" -> {
          segments = new ArrayList<>();
          String type = a.getValue("DocType");
          head = "{\"type\":" + quoted(type == null ? "" : type) + ",\"control\":" + quoted(String.valueOf(a.getValue("Control"))) + ",\"segments\":[";
        }
        case "segment" -> {
          tag = a.getValue("Id");
          elements = new TreeMap<>();
        }
        case "element" -> {
          String id = a.getValue("Id");
          at = Integer.parseInt(id.substring(id.length() - 2));
          components = a.getValue("Composite") == null ? null : new ArrayList<>();
          text.setLength(0);
        }
        case "subelement" -> {
          int sequence = Integer.parseInt(a.getValue("Sequence"));
          while (components.size() < sequence) {
            components.add("");
          }
          text.setLength(0);
        }
        default -> { }
      }
    }

    @Override
    public void characters(char[] c, int from, int n) {
      text.append(c, from, n);
    }

    @Override
    public void endElement(String uri, String name, String qualified) {
      switch (name) {
        case "subelement" -> components.set(components.size() - 1, text.toString());
        case "element" -> {
          String value = components == null ? text.toString() : String.join("\u001f", components);
          elements.merge(at, value, (old, next) -> old + "\u001e" + next); // a repetition comes as another element
        }
        case "segment" -> {
          StringBuilder b = new StringBuilder(tag);
          int n = 1;
          for (var e : elements.entrySet()) {
            for (; n <= e.getKey(); n++) {
              b.append('\u001d');
            }
            b.append(e.getValue());
          }
          if (segments != null) {
            segments.add(quoted(b.toString()));
          }
        }
        case "transaction" -> {
          sets.add(head + String.join(",", segments) + "]}");
          segments = null;
        }
        default -> { }
      }
    }
  }

  static String quoted(String s) {
    StringBuilder b = new StringBuilder("\"");
    for (char c : s.toCharArray()) {
      if (c == '"' || c == '\\') {
        b.append('\\').append(c);
      } else if (c < ' ' || c > '~') {
        b.append(String.format("\\u%04x", (int) c));
      } else {
        b.append(c);
      }
    }
    return b.append('"').toString();
  }
}
