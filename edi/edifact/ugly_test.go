package edifact

import "strings"

const plainUNB = "UNB+UNOC:3+4012345000009:14+4098765000004:14+261123:0915+REF7++ORDERS'"

const plain = plainUNB +
	"UNH+1+ORDERS:D:96A:UN:EAN008'BGM+220+ORD-1+9'DTM+137:20261123:102'NAD+ST+4012345000016::9++Corner Shop?'s'LIN+1++4012345000023:EN'QTY+21:2'UNS+S'UNT+8+1'" +
	"UNH+2+ORDERS:D:96A:UN:EAN008'BGM+220+ORD-2+9'DTM+137:20261123:102'LIN+1++4012345000030:EN'QTY+21:1'UNS+S'UNT+7+2'" +
	"UNZ+2+REF7'"

// interactive is an interchange of ISO 9735-3.
const interactive = "UIB+UNOA:4+1++++A+B'UIH+ORDERS:D:96A:UN+1'BGM+220+1'UIT+1+3'UIZ+1+1'"

const una = "UNA:+.? '"

var grouped = strings.NewReplacer("ORDERS'UNH+1", "ORDERS'UNG+ORDERS+A+B+261123:0915+G1+UN+D:96A'UNH+1", "UNZ+2", "UNE+2+G1'UNZ+1").Replace(plain)

// anObject holds what would be service characters anywhere else.
const anObject = "\x00\xff'UNP+1'+:?\n"

var packaged = plainUNB + "UNO+P1+DOC:1+1:PDF+13'" + anObject + "UNP+13+P1'UNZ+1+REF7'"

// uglySeeds are hand-written wrongs of the kinds partners send.
var uglySeeds = []string{
	plain,
	una + plain,
	una + "\r\n" + strings.ReplaceAll(plain, "'U", "'\r\nU"),
	strings.ReplaceAll(strings.ReplaceAll(plain, "?'", ""), "'", "\n"),
	strings.ReplaceAll(strings.ReplaceAll(plain, "?'", ""), "'", "\r\n"),
	strings.NewReplacer(":", "\x1f", "+", "\x1d", "'", "\x1c", "?'", "").Replace(plain),
	"UNA|*,\\ ~" + strings.NewReplacer("?'", "\\~", ":", "|", "+", "*", "'", "~").Replace(plain),
	"\xEF\xBB\xBF" + plain,
	plain + plain,
	plain + "\r\n\r\nUNA*@.! #" + strings.NewReplacer("?'", "!#", ":", "*", "+", "@", "'", "#").Replace(plain),
	plain[:200] + plain,
	plain[:200] + una + plain,
	plain[:200] + "\r\n" + plain,
	strings.Replace(plain, "UNT+8+1'", "", 1),
	strings.Replace(plain, "UNZ+2+REF7'", "", 1),
	grouped,
	strings.Replace(grouped, "UNE+2+G1'", "", 1),
	packaged,
	strings.Replace(packaged, "+13'\x00", "+99'\x00", 1),
	packaged[:len(packaged)-20],
	"From: somebody\r\nSubject: orders\r\n\r\n" + plain + "-- \r\nregards",
	"UNH+1+ORDERS:D:96A:UN'BGM+220+1+9'UNT+3+1'",
	una + "BGM+220'UNH+1+ORDERS:D:96A:UN'UNT+2+1'UNZ+1'",
	"ISA*00*", "STX=ANA:1+5000000000000'", "UNB+", "UNA", "UNA:+.? 'UNB+UNOA:1?", "UNA:+.? '?",
	plainUNB + "''UNH+1''+'UNT'UNZ'UNZ'UNB'UNE'UNG'UNG'UNH'UNG'UNO'UNP'UNA:+.? '",
	"UNB+UNOA:4+A:1+B:1+20261123:0915+1'UNH+1+ORDERS:D:01B:UN'PIA+5+A:SA*B:SA*C?*D:BP'UNT+3+1'UNZ+1+1'",
	"UNB+UNOA:1+Acme+B+261123:0915+1'USH+7'UNH+1+x:D:96A:UN'bgm+\xc3\xa4\xff'UNT+3+1'UNZ+1+1'",
}
