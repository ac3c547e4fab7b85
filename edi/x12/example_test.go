package x12_test

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/edi/x12/ack"
	"github.com/paklog/hub/edi/x12/grammar"
)

const twoOrders = "ISA*00*          *00*          *ZZ*ACME           *ZZ*PAKLOG         *261123*0915*U*00401*000000007*0*P*>~\n" +
	"GS*OW*ACME*PAKLOG*20261123*0915*7*X*004010~\n" +
	"ST*940*0001~\nW05*N*ORD-1~\nLX*1~\nW01*two*EA**VN*SKU-1~\nW76*2~\nSE*6*0001~\n" +
	"ST*940*0002~\nW05*N*ORD-2~\nLX*1~\nW01*1*EA**VN*SKU-2~\nW76*1~\nSE*6*0002~\n" +
	"GE*2*7~\nIEA*1*000000007~\n"

// A stream is read part by part; each set is checked and judged by itself, and
// the verdicts make the functional acknowledgement.
func Example() {
	r := x12.NewReader(strings.NewReader(twoOrders), x12.Limits{})
	var verdicts ack.Collector
	for {
		p, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			fmt.Println(err)
			return
		}
		if p.Kind == x12.TransactionSet {
			grammar.Builtin().Check(p)
		}
		verdict := verdicts.Add(p)
		if p.Kind == x12.TransactionSet {
			fmt.Println(p.Identity(), verdict.Verdict)
			for _, f := range p.Findings {
				fmt.Println(" ", f)
			}
		}
	}
	group := &verdicts.Interchanges[0].Groups[0]
	body, _ := ack.Functional(group, x12.DefaultDelimiters)
	for _, s := range body {
		fmt.Println(s.ID, strings.Join(s.Elements, " "))
	}
	// Output:
	// ZZ/ACME/ZZ/PAKLOG/000000007/7/0001 R
	//   6:5 (byte 187, segment 4) error W01-01: W01-01 is not a number: "two"
	// ZZ/ACME/ZZ/PAKLOG/000000007/7/0002 A
	// AK1 OW 7
	// AK2 940 0001
	// AK3 W01 4 W01 8
	// AK4 1 330 6 two
	// AK5 R 5
	// AK2 940 0002
	// AK5 A
	// AK9 P 2 2 1
}

// The writer pads and counts; control numbers are passed in.
func ExampleWriter() {
	w := x12.NewWriter(os.Stdout, x12.WriterOptions{LineEnd: "\n"})
	w.BeginInterchange(x12.ISA{SenderQualifier: "ZZ", Sender: "PAKLOG", ReceiverQualifier: "ZZ", Receiver: "ACME",
		Date: "261123", Time: "0915", Version: "00401", Control: "42", Usage: "P"})
	w.BeginGroup(x12.GS{FunctionalID: "FA", Sender: "PAKLOG", Receiver: "ACME", Date: "20261123", Time: "0915", Control: "42", Agency: "X", Version: "004010"})
	w.WriteSet(x12.ST{ID: "997", Control: "0001"}, []x12.Out{x12.Seg("AK1", "OW", "7"), x12.Seg("AK9", "A", "1", "1", "1")})
	w.EndGroup()
	w.EndInterchange()
	if err := w.Close(); err != nil {
		fmt.Println(err)
	}
	// Output:
	// ISA*00*          *00*          *ZZ*PAKLOG         *ZZ*ACME           *261123*0915*U*00401*000000042*0*P*>~
	// GS*FA*PAKLOG*ACME*20261123*0915*42*X*004010~
	// ST*997*0001~
	// AK1*OW*7~
	// AK9*A*1*1*1~
	// SE*4*0001~
	// GE*1*42~
	// IEA*1*000000042~
}
