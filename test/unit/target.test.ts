/** Which URLs a webhook may go to: what leads inward is refused however it is spelled, and the rest of the world is not. */
import * as fc from "fast-check";
import ipaddr from "ipaddr.js";
import { describe, expect, test } from "vitest";
import { RESOLVER_MS } from "../../src/limits.ts";
import { PUBLIC_ONLY, type TargetRules, judgeAddresses, judgeTarget, judgeName } from "../../src/webhooks/target.ts";

const EMBEDDED: TargetRules = { ...PUBLIC_ONLY, loopbackHttp: true };

const MALFORMED = "must be an absolute URL with a valid host";
const NOT_HTTPS = "must use https";
const CREDENTIALS = "must not hold a user name or password";
const EMPTY_PART = "must have a host without empty parts";
const NOT_A_NAME = "must have a host name that is valid in the DNS";
const SINGLE_WORD = "must have a full domain name, not a single word";
const THIS_MACHINE = "must not lead to this machine (localhost)";
const METADATA = "must not lead to a cloud's metadata service";
const LOOPBACK = "must not lead to a loopback address (127.0.0.1)";

/** What a client may be told, and the URLs that get it. */
export const HOSTILE: readonly (readonly [reason: string, ...urls: string[]])[] = [
  [
    LOOPBACK,
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.0.1/",
    "https://2130706433/",
    "https://0x7f000001/",
    "https://0X7F000001/",
    "https://0x7f.1/",
    "https://0x7f.0x0.0x0.0x1/",
    "https://0177.0.0.1/",
    "https://0177.1/",
    "https://017700000001/",
    "https://0000000000000000017700000001/",
    "https://127.00000.00000.1/",
    "https://127.0x0.0.01/",
    "https://127.0.0.1./",
    "https://127%2e0%2e0%2e1/",
    "https://%31%32%37.0.0.1/",
    "https://%30x7f000001/",
    "https://①②⑦.⓪.⓪.①/",
    "https://１２７.０.０.１/",
    "https://𝟏𝟐𝟕.𝟎.𝟎.𝟏/",
    "https://¹²⁷.⁰.⁰.¹/",
    "https://127。0。0。1/",
    "https://127｡0｡0｡1/",
    "https://127．0．0．1/",
    "https://12\u00AD7.0.0.1/",
    "https://127.0.0.1\u200B/",
    "https://12\t7.0.0.1/",
    "https://127.0\n.0.1/",
    "https://127.0.0.1\r\n/",
    "\u0000 https://127.0.0.1/ \u001F",
    "https:127.0.0.1",
    "https:/127.0.0.1",
    "https:///127.0.0.1/",
    "https://///127.0.0.1/",
    "https:\\\\127.0.0.1\\",
    "HtTpS://127.0.0.1/",
    "https://127.0.0.1:443\\@good.com/",
    "https://127.0.0.1?@good.com/",
    "https://127.0.0.1#@good.com/",
    "https://127.0.0.1/https://good.com/",
    "https://@127.0.0.1/",
    "https://127.0.0.1:8443/",
    "https://127.0.0.1:3306/",
  ],
  ["must not lead to a loopback address (127.255.255.254)", "https://127.255.255.254/", "https://0x7ffffffe/"],
  ["must not lead to a loopback address (127.0.0.0)", "https://127.0.0.0x/"],
  [
    "must not lead to a loopback address (::ffff:7f00:1 is 127.0.0.1)",
    "https://[::ffff:127.0.0.1]/",
    "https://[0:0:0:0:0:FFFF:7F00:0001]/",
  ],
  ["must not lead to a loopback address (64:ff9b::7f00:1 is 127.0.0.1)", "https://[64:ff9b::7f00:1]/", "https://[64:ff9b::127.0.0.1]/"],
  ["must not lead to a loopback address (::1)", "https://[::1]/", "https://[0:0:0:0:0:0:0:1]/", "https://[::0.0.0.1]/"],
  ["must not lead to an IPv4 address in disguise (::7f00:1)", "https://[::127.0.0.1]/", "https://[::7f00:1]/"],
  ["must not lead to an IPv4 address in disguise (::ffff:0:7f00:1)", "https://[::ffff:0:127.0.0.1]/", "https://[::ffff:0:7f00:1]/"],
  ["must not lead to an IPv4 address in disguise (64:ff9b:1::7f00:1)", "https://[64:ff9b:1::127.0.0.1]/"],
  ["must not lead to an IPv4 address in disguise (64:ff9b:1:7f00:0:100::)", "https://[64:ff9b:1:7f00:0:100::]/"],
  ["must not lead to an IPv4 address in disguise (2002:7f00:1::)", "https://[2002:7f00:1::]/"],
  ["must not lead to an IPv4 address in disguise (2002:a9fe:a9fe::1)", "https://[2002:a9fe:a9fe::1]/"],
  ["must not lead to an IPv4 address in disguise (2001:0:808:808::80ff:fffe)", "https://[2001:0:0808:0808:0:0:80ff:fffe]/"],
  ["must not lead to an unspecified address (0.0.0.0)", "https://0/", "https://0.0.0.0/", "https://0x/", "https://00.0x0.0/"],
  ["must not lead to an unspecified address (::)", "https://[::]/", "https://[::0.0.0.0]/"],
  ["must not lead to an unspecified address (::ffff:0:0 is 0.0.0.0)", "https://[::ffff:0.0.0.0]/"],
  ["must not lead to an address of its own network (0.0.0.1)", "https://1/", "https://0.1/"],
  [
    `${METADATA} (169.254.169.254)`,
    "https://169.254.169.254/latest/meta-data/",
    "https://0xa9fea9fe/",
    "https://2852039166/",
    "https://0251.0376.0251.0376/",
    "https://169.254.43518/",
    "https://169.0xfea9fe/",
    "https://①⑥⑨.②⑤④.①⑥⑨.②⑤④/",
  ],
  [`${METADATA} (::ffff:a9fe:a9fe is 169.254.169.254)`, "https://[::ffff:169.254.169.254]/"],
  [`${METADATA} (100.100.100.200)`, "https://100.100.100.200/", "https://0x646464c8/"],
  [`${METADATA} (192.0.0.192)`, "https://192.0.0.192/"],
  [`${METADATA} (168.63.129.16)`, "https://168.63.129.16/"],
  [`${METADATA} (fd00:ec2::254)`, "https://[fd00:ec2::254]/"],
  [`${METADATA} (fd00:42::42)`, "https://[fd00:42::42]/"],
  [`${METADATA} (fd20:ce::254)`, "https://[fd20:ce::254]/"],
  [`${METADATA} (metadata.goog)`, "https://metadata.goog/", "https://MetaData.Goog./computeMetadata/v1/", "https://x.metadata.goog/"],
  ["must not lead to a private address (10.0.0.1)", "https://10.0.0.1/", "https://10.1/", "https://012.1/", "https://167772161/"],
  ["must not lead to a private address (172.16.0.1)", "https://172.16.1/"],
  ["must not lead to a private address (172.31.255.255)", "https://172.31.255.255/"],
  ["must not lead to a private address (192.168.1.1)", "https://192.168.1.1/", "https://192.168.257/", "https://0300.0250.0001.0001/"],
  ["must not lead to a private address (::ffff:c0a8:101 is 192.168.1.1)", "https://[::ffff:c0a8:101]/"],
  ["must not lead to a private address (64:ff9b::a00:1 is 10.0.0.1)", "https://[64:ff9b::10.0.0.1]/"],
  ["must not lead to a private address (fc00::)", "https://[fc00::]/"],
  ["must not lead to a private address (fdff::1)", "https://[fdff::1]/"],
  ["must not lead to a link-local address (169.254.0.1)", "https://169.254.0.1/"],
  ["must not lead to a link-local address (fe80::1)", "https://[fe80::1]/"],
  ["must not lead to a link-local address (febf::a9fe:a9fe)", "https://[febf::a9fe:a9fe]/"],
  ["must not lead to a site-local address (fec0::1)", "https://[fec0::1]/"],
  ["must not lead to a carrier's shared address (100.64.0.1)", "https://100.64.0.1/", "https://100.64.1/"],
  ["must not lead to a benchmarking address (198.18.0.1)", "https://198.18.0.1/"],
  ["must not lead to a benchmarking address (198.19.255.255)", "https://198.19.255.255/"],
  ["must not lead to a benchmarking address (2001:2::1)", "https://[2001:2::1]/"],
  ["must not lead to a documentation address (192.0.2.1)", "https://192.0.2.1/"],
  ["must not lead to a documentation address (198.51.100.7)", "https://198.51.100.7/"],
  ["must not lead to a documentation address (203.0.113.7)", "https://203.0.113.7/"],
  ["must not lead to a documentation address (2001:db8::1)", "https://[2001:db8::1]/"],
  ["must not lead to a documentation address (3fff:fff::1)", "https://[3fff:fff::1]/"],
  ["must not lead to an address of the network's own services (192.0.0.9)", "https://192.0.0.9/"],
  ["must not lead to an address of the network's own services (192.88.99.1)", "https://192.88.99.1/"],
  ["must not lead to an address of the network's own services (192.175.48.1)", "https://192.175.48.1/"],
  ["must not lead to an address of the network's own services (2001:1::1)", "https://[2001:1::1]/"],
  ["must not lead to an address of the network's own services (2620:4f:8000::1)", "https://[2620:4f:8000::1]/"],
  ["must not lead to a multicast address (224.0.0.1)", "https://224.0.0.1/"],
  ["must not lead to a multicast address (239.255.255.250)", "https://239.255.255.250/"],
  ["must not lead to a multicast address (ff02::1)", "https://[ff02::1]/"],
  ["must not lead to a broadcast address (255.255.255.255)", "https://255.255.255.255/", "https://4294967295/", "https://0xffffffff/"],
  ["must not lead to a reserved address (240.0.0.1)", "https://240.0.0.1/"],
  ["must not lead to a reserved address (100::1)", "https://[100::1]/"],
  ["must not lead to a reserved address (5f00::1)", "https://[5f00::1]/"],
  ["must not lead to a reserved address (4000::1)", "https://[4000::1]/"],
  [
    THIS_MACHINE,
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://x.localhost/",
    "https://a.b.LocalHost./",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "https://ｌｏｃａｌｈｏｓｔ/",
    "https://localhoſt/",
    "https://loc\u00ADalhost/",
    "https://\u200Blocalhost/",
    "https://local\thost/",
    "https://localhost。/",
    "https://%6cocalhost/",
    "https://localhost\\@good.com/",
    "https://localhost:8443/",
  ],
  [
    SINGLE_WORD,
    "https://intranet/",
    "https://metadata/",
    "https://instance-data/",
    "https://router./",
    "https://lоcalhost/", // the first o is Cyrillic
    "https://xn--lcalhost-nbh/",
    "https://localhost6/",
    "https://com/",
  ],
  ["must not lead to a private or special domain (.internal)", "https://metadata.google.internal/", "https://ᵐetadata.google.internal./"],
  ["must not lead to a private or special domain (.local)", "https://printer.local/", "https://default.svc.cluster.local/"],
  ["must not lead to a private or special domain (.localdomain)", "https://localhost.localdomain/"],
  ["must not lead to a private or special domain (.lan)", "https://nas.lan/"],
  ["must not lead to a private or special domain (.home)", "https://router.home/"],
  ["must not lead to a private or special domain (.corp)", "https://wiki.corp/"],
  ["must not lead to a private or special domain (.onion)", "https://duckduckgogg42xjoc72x3sjasowoarfbgcmvfimaftt6twagswzczad.onion/"],
  [
    "must not lead to a private or special domain (.arpa)",
    "https://nas.home.arpa/",
    "https://1.0.0.127.in-addr.arpa/",
    "https://ipv4only.arpa/",
  ],
  ["must not lead to a private or special domain (.alt)", "https://hook.alt/"],
  ["must not lead to a private or special domain (.intranet)", "https://hook.intranet/"],
  ["must not lead to a private or special domain (.mail)", "https://hook.mail/"],
  ["must not lead to a private or special domain (.private)", "https://hook.private/"],
  ["must not lead to a private or special domain (.test)", "https://hook.test/"],
  ["must not lead to a private or special domain (.invalid)", "https://hook.invalid/"],
  ["must not lead to a private or special domain (.example)", "https://hook.example/"],
  [
    EMPTY_PART,
    "https://localhost../",
    "https://127.0.0.1../",
    "https://8.8.8.8../",
    "https://.example.com/",
    "https://a..example.com/",
    "https://example.com../",
    "https://./",
    "https://../",
  ],
  [
    NOT_A_NAME,
    "https://xn--localhost-/",
    "https://*.example.com/",
    "https://a!b.example.com/",
    "https://$(id).example.com/",
    "https://-a.example.com/",
    "https://a-.example.com/",
    `https://${"a".repeat(64)}.com/`,
    `https://${"a.".repeat(126)}com/`,
  ],
  [
    CREDENTIALS,
    "https://user:pw@127.0.0.1/",
    "https://user@example.com/",
    "https://:pw@example.com/",
    "https://example.com@127.0.0.1/",
    "https://example.com%2f@127.0.0.1/",
    "https://1.1.1.1 &@2.2.2.2# @3.3.3.3/",
    "https://foo@evil.com:443@example.com/",
  ],
  [
    NOT_HTTPS,
    "http://example.com/",
    "http://127.0.0.1/",
    "http:127.0.0.1",
    "http://localhost:3000/",
    "http://[::1]:8787/",
    "ftp://example.com/",
    "wss://example.com/",
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "data:text/plain,hello",
    "javascript:alert(1)",
    "blob:https://example.com/7f3c",
    "dict://127.0.0.1:11211/stats",
  ],
  [
    MALFORMED,
    "//127.0.0.1",
    "/hook",
    "example.com/hook",
    "example.com",
    "https://",
    "https:",
    " ",
    "https://256.256.256.256/",
    "https://1.2.3.4.5/",
    "https://4294967296/",
    "https://127.0.0.08/",
    "https://example.123/",
    "https://example.0x7f/",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[::ffff:0x7f000001]/",
    "https://[127.0.0.1]/",
    "https://[::1/",
    "https://::1/",
    "https://exa mple.com/",
    "https://example.com\u0000.evil.com/",
    "https://localhost%00.example.com/",
    "https://a%2fb.example.com/",
    "https://example.com:65536/",
    "https://example.com:4e2/",
    "https://\uD800.com/",
  ],
  ["must use port 443 or 8443, not 80", "https://example.com:80/"],
  ["must use port 443 or 8443, not 22", "https://example.com:22/"],
  ["must use port 443 or 8443, not 6379", "https://8.8.8.8:6379/"],
  ["must use port 443 or 8443, not 0", "https://example.com:0/"],
  ["must use port 443 or 8443, not 8444", "https://[2606:4700:4700::1111]:8444/"],
  ["must have 1 to 2083 characters", "", `https://example.com/${"a".repeat(2_064)}`, `https://127.0.0.1/${" ".repeat(3_000)}`],
  ["must have at most 2083 characters when encoded", `https://example.com/${"é".repeat(400)}`],
];

/** Each with the form that is stored and called, and the name to look up. */
const GOOD: readonly (readonly [url: string, called: string, name: string | null])[] = [
  ["https://example.com", "https://example.com/", "example.com"],
  ["https://example.com/hook?a=1&b=2", "https://example.com/hook?a=1&b=2", "example.com"],
  ["https://hooks.example.co.uk/a/b/c", "https://hooks.example.co.uk/a/b/c", "hooks.example.co.uk"],
  ["https://EXAMPLE.com/Hook", "https://example.com/Hook", "example.com"],
  ["https://example.com:443/", "https://example.com/", "example.com"],
  ["https://example.com:00443/", "https://example.com/", "example.com"],
  ["https://example.com:8443/hook", "https://example.com:8443/hook", "example.com"],
  ["https://example.com./hook", "https://example.com/hook", "example.com"],
  ["https://example.com.:8443/", "https://example.com:8443/", "example.com"],
  ["https://example.com/#part", "https://example.com/", "example.com"],
  ["https://@example.com/", "https://example.com/", "example.com"],
  ["  https://example.com/hook\n", "https://example.com/hook", "example.com"],
  ["https://exam\tple.com/", "https://example.com/", "example.com"],
  ["https:example.com/hook", "https://example.com/hook", "example.com"],
  ["https://example.com/a b/é", "https://example.com/a%20b/%C3%A9", "example.com"],
  ["https://example.com/127.0.0.1?url=http://169.254.169.254/", "https://example.com/127.0.0.1?url=http://169.254.169.254/", "example.com"],
  ["https://good.com#@127.0.0.1", "https://good.com/", "good.com"],
  ["https://good.com\\@127.0.0.1", "https://good.com/@127.0.0.1", "good.com"],
  ["https://good.com?@127.0.0.1", "https://good.com/?@127.0.0.1", "good.com"],
  ["https://my_hook.example.com/", "https://my_hook.example.com/", "my_hook.example.com"],
  ["https://faß.de/", "https://xn--fa-hia.de/", "xn--fa-hia.de"],
  ["https://日本語.jp/", "https://xn--wgv71a119e.jp/", "xn--wgv71a119e.jp"],
  ["https://xn--wgv71a119e.xn--q9jyb4c/", "https://xn--wgv71a119e.xn--q9jyb4c/", "xn--wgv71a119e.xn--q9jyb4c"],
  ["https://localhost.example.com/", "https://localhost.example.com/", "localhost.example.com"],
  ["https://internal.example.com/", "https://internal.example.com/", "internal.example.com"],
  ["https://notlocalhost.com/", "https://notlocalhost.com/", "notlocalhost.com"],
  ["https://local.dev/", "https://local.dev/", "local.dev"],
  ["https://127.0.0.1.nip.io/", "https://127.0.0.1.nip.io/", "127.0.0.1.nip.io"], // its answer is judged, not its name
  ["https://1.2.3.4.example.com/", "https://1.2.3.4.example.com/", "1.2.3.4.example.com"],
  [`https://${"a".repeat(63)}.com/`, `https://${"a".repeat(63)}.com/`, `${"a".repeat(63)}.com`],
  ["https://8.8.8.8/hook", "https://8.8.8.8/hook", null],
  ["https://0x08080808/", "https://8.8.8.8/", null],
  ["https://1.1:8443/", "https://1.0.0.1:8443/", null],
  ["https://[2606:4700:4700::1111]/", "https://[2606:4700:4700::1111]/", null],
  ["https://[2a00:1450:4001:0800:0000:0000:0000:200e]:8443/", "https://[2a00:1450:4001:800::200e]:8443/", null],
  ["https://[::ffff:8.8.8.8]/", "https://[::ffff:808:808]/", null],
  ["https://[64:ff9b::8.8.8.8]/", "https://[64:ff9b::808:808]/", null],
  [`https://example.com/${"a".repeat(2_063)}`, `https://example.com/${"a".repeat(2_063)}`, "example.com"],
];

describe("a target that leads inward, or nowhere", () => {
  test.each(HOSTILE.flatMap(([reason, ...urls]) => urls.map((url) => [url, reason])))("%j is refused: it %s", (url, reason) => {
    expect(judgeTarget(url, PUBLIC_ONLY)).toEqual({ ok: false, reason });
  });
});

describe("a target in public", () => {
  test.each(GOOD)("%j is accepted, as %s", (text, url, name) => {
    expect(judgeTarget(text, PUBLIC_ONLY)).toEqual({ ok: true, url, name });
  });

  test("is accepted again in the form that it was given, and stays in it", () => {
    for (const [, url, name] of GOOD) expect(judgeTarget(url, PUBLIC_ONLY)).toEqual({ ok: true, url, name });
  });

  test("may be on the ports that the deployment allows, and no others", () => {
    const rules = { ports: [9443], loopbackHttp: false };
    expect(judgeTarget("https://example.com:9443/", rules).ok).toBe(true);
    expect(judgeTarget("https://example.com/", rules)).toEqual({ ok: false, reason: "must use port 9443, not 443" });
  });
});

describe("in the embedded runtime", () => {
  test.each([
    ["http://localhost:3000/hook", "http://localhost:3000/hook"],
    ["http://LOCALHOST.:3000/", "http://localhost:3000/"],
    ["http://app.localhost/", "http://app.localhost/"],
    ["http://127.0.0.1:9/", "http://127.0.0.1:9/"],
    ["http://127.1:65535/", "http://127.0.0.1:65535/"],
    ["http://[::1]:8080/", "http://[::1]:8080/"],
    ["https://localhost:4433/", "https://localhost:4433/"],
  ])("%s on this machine is accepted", (text, url) => {
    expect(judgeTarget(text, EMBEDDED)).toEqual({ ok: true, url, name: null });
  });

  test.each([
    ["http://example.com/", "must use https, or http to this machine"],
    ["http://192.168.1.1/", "must use https, or http to this machine"],
    ["http://0.0.0.0:3000/", "must use https, or http to this machine"],
    ["http://[::ffff:127.0.0.1]:3000/", "must use https, or http to this machine"],
    ["http://localhost.example.com/", "must use https, or http to this machine"],
    ["http://user:pw@localhost:3000/", CREDENTIALS],
    ["http://localhost..:3000/", EMPTY_PART],
    ["ftp://localhost/", NOT_HTTPS],
    ["https://192.168.1.1/", "must not lead to a private address (192.168.1.1)"],
    ["https://169.254.169.254/", `${METADATA} (169.254.169.254)`],
    ["https://example.com:3000/", "must use port 443 or 8443, not 3000"],
  ])("%s is refused as it is elsewhere: it %s", (url, reason) => {
    expect(judgeTarget(url, EMBEDDED)).toEqual({ ok: false, reason });
  });
});

/**
 * The IANA IPv4 special-purpose registry (and multicast) written down once more, by first and last address, with the
 * one address of public space that leads inward in a cloud.
 */
const SPECIAL: readonly (readonly [first: string, last: string])[] = [
  ["0.0.0.0", "0.255.255.255"],
  ["10.0.0.0", "10.255.255.255"],
  ["100.64.0.0", "100.127.255.255"],
  ["127.0.0.0", "127.255.255.255"],
  ["168.63.129.16", "168.63.129.16"],
  ["169.254.0.0", "169.254.255.255"],
  ["172.16.0.0", "172.31.255.255"],
  ["192.0.0.0", "192.0.0.255"],
  ["192.0.2.0", "192.0.2.255"],
  ["192.31.196.0", "192.31.196.255"],
  ["192.52.193.0", "192.52.193.255"],
  ["192.88.99.0", "192.88.99.255"],
  ["192.168.0.0", "192.168.255.255"],
  ["192.175.48.0", "192.175.48.255"],
  ["198.18.0.0", "198.19.255.255"],
  ["198.51.100.0", "198.51.100.255"],
  ["203.0.113.0", "203.0.113.255"],
  ["224.0.0.0", "255.255.255.255"],
];
const RANGES = SPECIAL.map(([first, last]) => [numberOf(first), numberOf(last)] as const);
const isSpecial = (address: number) => RANGES.some(([first, last]) => address >= first && address <= last);

function numberOf(dotted: string): number {
  return dotted.split(".").reduce((number, octet) => number * 256 + Number(octet), 0);
}

function octetsOf(address: number): [number, number, number, number] {
  return [Math.floor(address / 2 ** 24), (address >>> 16) & 255, (address >>> 8) & 255, address & 255];
}

const dotted = (address: number) => octetsOf(address).join(".");
const hex = (number: number) => `0x${number.toString(16)}`;
const octal = (number: number) => `0${number.toString(8)}`;
/** The two 16-bit groups that an IPv4 address is within an IPv6 one. */
const groups = (address: number) => `${(address >>> 16).toString(16)}:${(address & 0xffff).toString(16)}`;
const fullwidth = (text: string) => text.replaceAll(/\d/g, (digit) => String.fromCodePoint(0xff10 + Number(digit)));

/** Every way to write an IPv4 address that a URL parser understands. */
const IPV4_FORMS: Readonly<Record<string, (address: number) => string>> = {
  dotted,
  "with a trailing dot": (address) => `${dotted(address)}.`,
  decimal: String,
  hex,
  "upper-case hex": (address) => hex(address).toUpperCase(),
  octal,
  "dotted hex": (address) => octetsOf(address).map(hex).join("."),
  "dotted octal": (address) => octetsOf(address).map(octal).join("."),
  "zeros before": (address) =>
    octetsOf(address)
      .map((octet) => `000${octal(octet)}`)
      .join("."),
  mixed: (address) =>
    octetsOf(address)
      .map((octet, index) => [hex, octal, String][index % 3]?.(octet))
      .join("."),
  "three parts": (address) => `${address >>> 24}.${(address >>> 16) & 255}.${address & 0xffff}`,
  "two parts": (address) => `${hex(address >>> 24)}.${octal(address & 0xffffff)}`,
  "percent-encoded": (address) => Array.from(dotted(address), (char) => `%${char.charCodeAt(0).toString(16)}`).join(""),
  "full-width": (address) => fullwidth(dotted(address)).replaceAll(".", "。"),
};

/** IPv6 forms that stand for the IPv4 address wherever they can be called at all. */
const CARRYING_FORMS: Readonly<Record<string, (address: number) => string>> = {
  mapped: (address) => `[::ffff:${dotted(address)}]`,
  "mapped, in hex": (address) => `[0:0:0:0:0:FFFF:${groups(address)}]`,
  NAT64: (address) => `[64:ff9b::${dotted(address)}]`,
};

/** IPv6 forms of old tunnels and translations, refused whatever they carry. */
const DISGUISES: Readonly<Record<string, (address: number) => string>> = {
  compatible: (address) => `[::${dotted(address)}]`,
  translated: (address) => `[::ffff:0:${dotted(address)}]`,
  "local NAT64": (address) => `[64:ff9b:1::${dotted(address)}]`,
  "local NAT64, of 48 bits": (address) => {
    const [a, b, c, d] = octetsOf(address);
    return `[64:ff9b:1:${(a * 256 + b).toString(16)}:${c.toString(16)}:${(d * 256).toString(16)}::]`;
  },
  "6to4": (address) => `[2002:${groups(address)}::1]`,
  Teredo: (address) => `[2001:0:808:808:0:0:${groups(~address >>> 0)}]`,
};

const anySpecial = fc.constantFrom(...RANGES).chain(([first, last]) => fc.integer({ min: first, max: last }));
const anyPublic = fc.integer({ min: 0, max: 2 ** 32 - 1 }).filter((address) => !isSpecial(address));
const judge = (host: string) => judgeTarget(`https://${host}/`, PUBLIC_ONLY);

describe("every IPv4 address", () => {
  test.each(Object.entries({ ...IPV4_FORMS, ...CARRYING_FORMS, ...DISGUISES }))(
    "of a special range is refused when written %s",
    (_, write) => {
      fc.assert(
        fc.property(anySpecial, (address) => {
          const judged = judge(write(address));
          expect(judged).toMatchObject({ ok: false, reason: expect.stringMatching(/^must not lead to an? /) });
        }),
        { numRuns: 500 },
      );
    },
  );

  test.each(Object.entries({ ...IPV4_FORMS, ...CARRYING_FORMS }))("in public is accepted when written %s", (_, write) => {
    fc.assert(
      fc.property(anyPublic, (address) => {
        expect(judge(write(address))).toMatchObject({ ok: true, name: null });
      }),
      { numRuns: 500 },
    );
  });

  test("keeps its number from whatever form it was written in", () => {
    fc.assert(
      fc.property(anyPublic, fc.constantFrom(...Object.values(IPV4_FORMS)), (address, write) => {
        expect(judge(write(address))).toMatchObject({ url: `https://${dotted(address)}/` });
      }),
    );
  });

  test("in public is refused in the forms of old tunnels and translations", () => {
    fc.assert(
      fc.property(anyPublic, fc.constantFrom(...Object.values(DISGUISES)), (address, write) => {
        expect(judge(write(address)).ok).toBe(false);
      }),
    );
  });

  test.each(SPECIAL)("from %s to %s is special, and its neighbours are not by that", (...edges) => {
    const [first, last] = [numberOf(edges[0]), numberOf(edges[1])];
    for (const address of [first, last])
      expect({ address: dotted(address), ok: judge(dotted(address)).ok }).toEqual({ address: dotted(address), ok: false });
    for (const address of [first - 1, last + 1]) {
      if (address < 0 || address >= 2 ** 32 || isSpecial(address)) continue;
      expect({ address: dotted(address), ok: judge(dotted(address)).ok }).toEqual({ address: dotted(address), ok: true });
    }
  });
});

describe("every IPv6 address", () => {
  /** The IANA IPv6 special-purpose registry within 2000::/3, by its bits; what lies outside is special as a whole. */
  const SPECIAL_BITS = ["2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"].map((block) => {
    const [prefix = "", bits = ""] = block.split("/");
    const [left = ""] = prefix.split("::");
    const text = left
      .split(":")
      .map((group) => Number.parseInt(group, 16).toString(2).padStart(16, "0"))
      .join("");
    return text.padEnd(128, "0").slice(0, Number(bits));
  });
  const bitsOf = (parts: readonly number[]) => parts.map((part) => part.toString(2).padStart(16, "0")).join("");
  const hostOf = (parts: readonly number[]) => `[${parts.map((part) => part.toString(16)).join(":")}]`;
  const group = fc.integer({ min: 0, max: 0xffff });
  const rest = (count: number) => fc.array(fc.oneof(group, fc.constant(0)), { minLength: count, maxLength: count });

  test("outside 2000::/3 is refused, but for those that stand for a public IPv4 address", () => {
    const outside = fc
      .oneof(group, fc.constantFrom(0, 0x64, 0x100, 0x5f00, 0xfc00, 0xfe80, 0xff02))
      .filter((first) => first < 0x2000 || first > 0x3fff);
    fc.assert(
      fc.property(outside, rest(7), (first, others) => {
        fc.pre(!/^(?:0:0:0:0:0:ffff|64:ff9b:0:0:0:0):/.test([first, ...others].map((part) => part.toString(16)).join(":")));
        expect(judge(hostOf([first, ...others])).ok).toBe(false);
      }),
      { numRuns: 2_000 },
    );
  });

  test("within 2000::/3 is accepted unless the registry names it", () => {
    const first = fc.oneof(fc.integer({ min: 0x2000, max: 0x3fff }), fc.constantFrom(0x2001, 0x2002, 0x2620, 0x3fff));
    const second = fc.oneof(group, fc.constantFrom(0, 1, 2, 0x1ff, 0x200, 0xdb7, 0xdb8, 0xdb9, 0x4f, 0x50, 0xfff, 0x1000));
    const third = fc.oneof(group, fc.constantFrom(0x7fff, 0x8000, 0x8001));
    let special = 0;
    fc.assert(
      fc.property(first, second, third, rest(5), (a, b, c, others) => {
        const bits = bitsOf([a, b, c, ...others]);
        const named = SPECIAL_BITS.some((prefix) => bits.startsWith(prefix));
        if (named) special++;
        expect({ host: hostOf([a, b, c, ...others]), ok: judge(hostOf([a, b, c, ...others])).ok }).toMatchObject({ ok: !named });
      }),
      { numRuns: 5_000 },
    );
    expect(special).toBeGreaterThan(500);
  });
});

/** An address in any of the forms that a resolver may write: IPv4, IPv6 with and without `::`, and with dots at its end. */
const written = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc
    .tuple(
      fc.constantFrom(
        "0",
        "::",
        "64:ff9b::",
        "::ffff:",
        "2001:",
        "2002:",
        "2620:4f:8000:",
        "fc00:",
        "fe80:",
        "fec0:",
        "ff02:",
        "100::",
        "5f00:",
      ),
      fc.ipV6(),
    )
    .map(([start, address]) => `${start}${address.slice(address.indexOf(":") + 1)}`)
    .filter((text) => ipaddr.isValid(text)),
);

test("no address that another reader of addresses calls special is public, and both read the same of it", () => {
  const met = new Set<string>();
  fc.assert(
    fc.property(written, (text) => {
      const read = ipaddr.process(text);
      const kind = read.range();
      met.add(kind);
      const judged = judgeAddresses([text]);
      if (kind !== "unicast" && kind !== "rfc6052") expect({ text, kind, ok: judged.ok }).toEqual({ text, kind, ok: false });
      const said = judged.ok || read.kind() === "ipv4" ? null : /\(([^ )]+)/.exec(judged.reason)?.[1];
      if (said !== null) expect(ipaddr.parse(String(said)).toNormalizedString()).toBe(ipaddr.parse(text).toNormalizedString());
    }),
    { numRuns: 10_000 },
  );
  expect(met.size).toBeGreaterThan(8);
});

describe("the addresses of a name", () => {
  test.each([
    [["93.184.215.14"]],
    [["2606:4700:4700::1111"]],
    [["1.1.1.1", "1.0.0.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"]],
  ])("%j are public", (addresses) => {
    expect(judgeAddresses(addresses)).toEqual({ ok: true });
  });

  test.each([
    [["127.0.0.1"], "must not resolve to a loopback address (127.0.0.1)"],
    [["1.1.1.1", "10.0.0.1"], "must not resolve to a private address (10.0.0.1)"],
    [["1.1.1.1", "2606:4700:4700::1111", "fd00::1"], "must not resolve to a private address (fd00::1)"],
    [["169.254.169.254"], `${METADATA.replace("lead", "resolve")} (169.254.169.254)`],
    [["::ffff:127.0.0.1"], "must not resolve to a loopback address (::ffff:7f00:1 is 127.0.0.1)"],
    [["fe80::1"], "must not resolve to a link-local address (fe80::1)"],
    [["2606:4700::1%eth0"], "must name a host with valid addresses"],
    [["1.1.1.1", "0x7f.1"], "must name a host with valid addresses"],
    [["8.8.8.010"], "must name a host with valid addresses"],
    [["2606:4700::8.8.8.010"], "must name a host with valid addresses"], // octal to one reader, decimal to another
    [["2606:4700::1]:80/["], "must name a host with valid addresses"],
    [["example.com"], "must name a host with valid addresses"],
    [[""], "must name a host with valid addresses"],
    [[], "must name a host that has an address"],
  ])("%j are refused: it %s", (addresses, reason) => {
    expect(judgeAddresses(addresses)).toEqual({ ok: false, reason });
  });
});

describe("a name is held to what the resolver says", () => {
  type Answers = Readonly<Record<"A" | "AAAA", () => Response | Promise<Response>>>;
  const asked: { name: string | null; type: string | null; accept: string | null; redirect: string | undefined }[] = [];
  let limitMs = 0;

  const outside = (answers: Answers) => ({
    fetch: async (address: string, init: RequestInit) => {
      const url = new URL(address);
      expect(url.origin + url.pathname).toBe("https://cloudflare-dns.com/dns-query");
      const type = url.searchParams.get("type");
      asked.push({ name: url.searchParams.get("name"), type, accept: new Headers(init.headers).get("accept"), redirect: init.redirect });
      init.signal?.throwIfAborted();
      return answers[type === "A" ? "A" : "AAAA"]();
    },
    clock: {
      now: () => 0,
      after: () => () => {},
      timeout: (ms: number) => {
        limitMs = ms;
        return new AbortController().signal;
      },
    },
  });

  const records = (...data: (readonly [type: number, data: string])[]) => {
    const Answer = data.map((record) => ({ name: "hook.example.com", type: record[0], TTL: 60, data: record[1] }));
    return () =>
      Response.json({ Status: 0, TC: false, RD: true, RA: true, AD: false, CD: false, ...(Answer.length > 0 ? { Answer } : {}) });
  };
  const none = records();
  const status = (code: number) => () => Response.json({ Status: code });
  const broken = () => Promise.reject(new TypeError("network connection lost"));
  const judged = (answers: Answers) => judgeName("hook.example.com", outside(answers));

  test("asks for both kinds of address, within the time limit", async () => {
    asked.length = 0;
    await judged({ A: records([1, "1.1.1.1"]), AAAA: none });
    const common = { name: "hook.example.com", accept: "application/dns-json", redirect: "manual" };
    expect(asked).toEqual([
      { ...common, type: "A" },
      { ...common, type: "AAAA" },
    ]);
    expect(limitMs).toBe(RESOLVER_MS);
  });

  test("public addresses, also behind other names, are public", async () => {
    expect(await judged({ A: records([1, "1.1.1.1"]), AAAA: none })).toEqual({ verdict: "public" });
    expect(await judged({ A: none, AAAA: records([5, "edge.example.net."], [28, "2606:4700:4700::1111"]) })).toEqual({ verdict: "public" });
  });

  test("one address that is not public is enough to refuse it, of either kind, and also when the other half is unknown", async () => {
    const reason = "must not resolve to a private address (10.0.0.1)";
    expect(await judged({ A: records([5, "db.internal."], [1, "1.1.1.1"], [1, "10.0.0.1"]), AAAA: none })).toEqual({
      verdict: "refused",
      reason,
    });
    expect(await judged({ A: records([1, "10.0.0.1"]), AAAA: broken })).toEqual({ verdict: "refused", reason });
    expect(await judged({ A: records([1, "1.1.1.1"]), AAAA: records([28, "fd00::1"]) })).toEqual({
      verdict: "refused",
      reason: "must not resolve to a private address (fd00::1)",
    });
  });

  test("a name without any address is refused", async () => {
    const verdict = { verdict: "refused", reason: "must name a host that has an address" };
    expect(await judged({ A: none, AAAA: none })).toEqual(verdict);
    expect(await judged({ A: status(3), AAAA: status(3) })).toEqual(verdict);
  });

  test.each<readonly [string, () => Response | Promise<Response>]>([
    ["can't be reached", broken],
    ["fails by its own account", status(2)],
    ["refuses to answer", () => Response.json({ Status: 0 }, { status: 429 })],
    ["redirects", () => new Response("", { status: 302, headers: { Location: "https://elsewhere.example.com" } })],
    ["answers with something else", () => new Response("<html>")],
    ["answers in another shape", () => Response.json({ Status: 0, Answer: [{ type: 1 }] })],
  ])("a resolver that %s leaves it unknown", async (_, answer) => {
    expect(await judged({ A: answer, AAAA: answer })).toEqual({ verdict: "unknown" });
    expect(await judged({ A: records([1, "1.1.1.1"]), AAAA: answer })).toEqual({ verdict: "unknown" });
    expect(await judged({ A: answer, AAAA: none })).toEqual({ verdict: "unknown" });
  });

  test("a resolver that does not answer in time leaves it unknown", async () => {
    const hanging = {
      fetch: (_: string, init: RequestInit) =>
        new Promise<Response>((_resolve, reject) => init.signal?.addEventListener("abort", () => reject(new Error("aborted")))),
      clock: { now: () => 0, after: () => () => {}, timeout: () => AbortSignal.timeout(1) },
    };
    expect(await judgeName("hook.example.com", hanging)).toEqual({ verdict: "unknown" });
  });
});
