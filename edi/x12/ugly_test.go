package x12

import "strings"

const plainISA = "ISA*00*          *00*          *ZZ*ACME           *ZZ*PAKLOG         *261123*0915*U*00401*000000007*0*P*>~"

const plain = plainISA +
	"GS*OW*ACME*PAKLOG*20261123*0915*7*X*004010~" +
	"ST*940*0001~W05*N*ORD-1*PO-9~N1*ST*CORNER SHOP*92*S1~LX*1~W01*2*EA**VN*SKU-1~W76*2~SE*7*0001~" +
	"ST*940*0002~W05*N*ORD-2*PO-10~LX*1~W01*1*EA**VN*SKU-2~W76*1~SE*6*0002~" +
	"GE*2*7~IEA*1*000000007~"

// uglySeeds are hand-written wrongs of the kinds partners send.
var uglySeeds = []string{
	plain,
	strings.ReplaceAll(plain, "~", "~\r\n"),
	strings.ReplaceAll(plain, "~", "\n"),
	strings.ReplaceAll(plain, "~", "\r"),
	strings.ReplaceAll(plain, "~", "\r\n"),
	strings.ReplaceAll(plain, "~", "\x15\r\n"),
	"\xEF\xBB\xBF" + plain,
	plain + plain,
	plain + "\r\n\r\n" + strings.NewReplacer("*", "|", "~", "'").Replace(plain),
	plain[:330] + plain,
	plain[:330] + "\r\n" + plain,
	strings.Replace(plain, "SE*7*0001~", "", 1),
	strings.Replace(plain, "GE*2*7~", "", 1),
	strings.Replace(plain, "IEA*1*000000007~", "", 1),
	strings.Replace(plain, ">~GS", "~GS", 1),
	strings.Replace(plain, "ACME           ", "ACME", 1),
	"From: somebody\r\nSubject: orders\r\n\r\n" + plain + "-- \r\nregards",
	"UNB+UNOA:2+A+B+260101:1200+1'UNH+1+ORDERS:D:96A:UN'UNT+2+1'UNZ+1+1'",
	"STX=ANA:1+5000000000000+5010000000000+261123:1200+1'",
	"ISA*00\nGS\nST\nAK1*SI*1\nSE*2*1\n",
	"ISA*",
	"ST*940*0001~SE*2*0001~",
	plainISA + "TA1*000000007*261123*0915*A*000~IEA*0*000000007~",
	plainISA + "GS*OW*A*B*20261123*0915*7*X*004010~ST*841*0001~BIN*9*~*\r\n~~*~x~SE*3*0001~GE*1*7~IEA*1*000000007~",
	plainISA + "~~GS*OW*A*B*20261123*0915*7*X*004010~~~ST*940*0001~~SE*2*0001~~GE*1*7~IEA*1*000000007",
	plainISA + "GS*A~GS*B~GS*C~GE~ST~ST~SE~IEA~IEA~ISA~",
}
