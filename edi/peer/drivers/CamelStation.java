import java.io.FileInputStream;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.apache.camel.Exchange;
import org.apache.camel.ProducerTemplate;
import org.apache.camel.builder.RouteBuilder;
import org.apache.camel.component.as2.api.AS2CompressionAlgorithm;
import org.apache.camel.component.as2.api.AS2EncryptionAlgorithm;
import org.apache.camel.component.as2.api.AS2MessageStructure;
import org.apache.camel.component.as2.api.AS2SignatureAlgorithm;
import org.apache.camel.component.as2.api.util.EntityUtils;
import org.apache.camel.impl.DefaultCamelContext;
import org.apache.hc.core5.http.HttpEntity;

/** A station of Apache Camel that is driven by folders: outbox to send, inbox of what came, mdn of receipts. */
public class CamelStation {
  static final String US = "PAKLOG";
  static final AtomicInteger came = new AtomicInteger();

  static void leave(Path dir, String name, byte[] bytes) throws Exception {
    Path temp = dir.resolve("temp").resolve(name);
    Files.write(temp, bytes);
    Files.move(temp, dir.resolve(name.startsWith("mdn-") ? "mdn" : "inbox").resolve(name.replaceFirst("^mdn-", "")), StandardCopyOption.ATOMIC_MOVE);
  }

  static byte[] text(Object receipt) throws Exception {
    if (receipt instanceof HttpEntity e) {
      return EntityUtils.printEntity(e).getBytes(StandardCharsets.ISO_8859_1);
    }
    return String.valueOf(receipt).getBytes(StandardCharsets.ISO_8859_1);
  }

  /** letters are those of a partner's name: s signed, e encrypted, c compressed before, d behind the signature. */
  static AS2MessageStructure structure(String letters) {
    return switch (letters) {
      case "P" -> AS2MessageStructure.PLAIN;
      case "S" -> AS2MessageStructure.SIGNED;
      case "E" -> AS2MessageStructure.ENCRYPTED;
      case "SE" -> AS2MessageStructure.SIGNED_ENCRYPTED;
      case "C" -> AS2MessageStructure.PLAIN_COMPRESSED;
      case "SC" -> AS2MessageStructure.COMPRESSED_SIGNED;
      case "SD" -> AS2MessageStructure.SIGNED_COMPRESSED;
      case "EC" -> AS2MessageStructure.ENCRYPTED_COMPRESSED;
      case "SEC" -> AS2MessageStructure.ENCRYPTED_COMPRESSED_SIGNED;
      case "SED" -> AS2MessageStructure.ENCRYPTED_SIGNED_COMPRESSED;
      default -> throw new IllegalArgumentException(letters);
    };
  }

  public static void main(String[] args) throws Exception {
    Path dir = Path.of(args[0]);
    KeyStore store = KeyStore.getInstance("PKCS12");
    try (InputStream in = new FileInputStream(dir.resolve("keys.p12").toFile())) {
      store.load(in, "secret".toCharArray());
    }
    PrivateKey key = (PrivateKey) store.getKey("theirs", "secret".toCharArray());
    Certificate[] own = {store.getCertificate("theirs")};
    Certificate[] partner = {store.getCertificate("ours")};

    DefaultCamelContext camel = new DefaultCamelContext();
    camel.getRegistry().bind("key", key);
    camel.getRegistry().bind("own", own);
    camel.getRegistry().bind("partner", partner);
    // It refuses what is not signed where it knows who signs, and what is not encrypted where it has a key to decrypt.
    String answers = "&signingAlgorithm=SHA256WITHRSA&signingCertificateChain=#own&signingPrivateKey=#key";
    String signed = "&validateSigningCertificateChain=#partner", encrypted = "&decryptingPrivateKey=#key";
    Map<String, String> doors = Map.of("/p", "", "/s", signed, "/e", encrypted, "/se", signed + encrypted);
    camel.addRoutes(new RouteBuilder() {
      @Override
      public void configure() {
        doors.forEach((path, needs) ->
            from("as2:server/listen?serverPortNumber=" + args[1] + "&requestUriPattern=" + path + answers + needs)
                .process(x -> leave(dir, "message-" + came.incrementAndGet(), x.getIn().getBody(byte[].class))));
        // What it hands over of a receipt that comes by itself does not say whose it is: each partner's has its own path.
        for (String form : new String[] {"P", "C", "E", "EC", "S", "SC", "SD", "SE", "SEC", "SED"}) {
          for (String receipt : new String[] {"UNA", "SIA"}) {
            String partner = form + "_" + receipt;
            from("as2:receipt/receive?asyncMdnPortNumber=" + args[2] + "&requestUriPattern=/" + partner)
                .process(x -> leave(dir, "mdn-" + partner + "-" + US + "-" + came.incrementAndGet(), text(x.getIn().getBody())));
          }
        }
      }
    });
    camel.start();
    ProducerTemplate send = camel.createProducerTemplate();
    // What writes its receipts is made by the first, and who comes meanwhile is answered 500 though his message was taken.
    Path first = Files.writeString(dir.resolve("temp").resolve("P_SI-first"), "ISA");
    one(dir, send, "as2://client/send?targetHostname=127.0.0.1&targetPortNumber=" + args[1], "/p", first, key, own, partner, args[2]);
    Files.delete(dir.resolve("mdn").resolve("P_SI-" + US + "-P_SI-first"));
    System.out.println("station started");
    String target = "as2://client/send?targetHostname=127.0.0.1&targetPortNumber=" + args[3];
    while (true) {
      try (Stream<Path> files = Files.list(dir.resolve("outbox"))) {
        for (Path file : files.sorted().toList()) {
          one(dir, send, target, "/as2", file, key, own, partner, args[2]);
          Files.delete(file);
        }
      }
      Thread.sleep(200);
    }
  }

  static void one(Path dir, ProducerTemplate send, String target, String path, Path file, PrivateKey key, Certificate[] own, Certificate[] partner, String mdnPort) {
    String from = file.getFileName().toString().split("-")[0];
    String[] form = from.split("_");
    try {
      Map<String, Object> h = new HashMap<>();
      java.util.function.BiConsumer<String, Object> set = (n, v) -> h.put("CamelAs2." + n, v);
      // It finds its method by the names of all arguments.
      for (String name : new String[] {"signingAlgorithm", "signingCertificateChain", "signingPrivateKey", "encryptingAlgorithm", "encryptingCertificateChain",
          "compressionAlgorithm", "dispositionNotificationTo", "signedReceiptMicAlgorithms", "receiptDeliveryOption", "userName", "password", "accessToken"}) {
        set.accept(name, null);
      }
      set.accept("ediMessage", new String(Files.readAllBytes(file), StandardCharsets.ISO_8859_1));
      set.accept("requestUri", path);
      set.accept("subject", "a document");
      set.accept("from", "theirs@example.org");
      set.accept("as2From", from);
      set.accept("as2To", US);
      set.accept("as2MessageStructure", structure(form[0].replaceAll("[GROL]", "")));
      set.accept("ediMessageContentType", "application/edi-x12");
      set.accept("ediMessageCharset", "US-ASCII");
      set.accept("ediMessageTransferEncoding", "binary");
      set.accept("attachedFileName", file.getFileName().toString());
      if (form[0].contains("S")) {
        set.accept("signingAlgorithm", AS2SignatureAlgorithm.SHA256WITHRSA);
        set.accept("signingCertificateChain", own);
        set.accept("signingPrivateKey", key);
      }
      if (form[0].contains("E")) {
        set.accept("encryptingAlgorithm", form[0].contains("G") ? AS2EncryptionAlgorithm.AES256_GCM : AS2EncryptionAlgorithm.AES256_CBC);
        set.accept("encryptingCertificateChain", partner);
      }
      if (form[0].contains("C") || form[0].contains("D")) {
        set.accept("compressionAlgorithm", AS2CompressionAlgorithm.ZLIB);
      }
      if (!form[1].startsWith("NO")) {
        set.accept("dispositionNotificationTo", "theirs@example.org");
      }
      if (form[1].startsWith("SI")) {
        set.accept("signedReceiptMicAlgorithms", "sha-256");
      }
      if (form[1].endsWith("A")) {
        set.accept("receiptDeliveryOption", "http://127.0.0.1:" + mdnPort + "/" + from);
      }
      Exchange out = send.request(target, x -> x.getIn().setHeaders(h));
      if (out.getException() != null) {
        throw out.getException();
      }
      if (!form[1].startsWith("NO") && !form[1].endsWith("A")) {
        leave(dir, "mdn-" + from + "-" + US + "-" + file.getFileName(), text(out.getMessage().getBody()));
      }
    } catch (Exception e) {
      System.out.println("FAILED " + from);
      e.printStackTrace(System.out);
    }
  }
}
