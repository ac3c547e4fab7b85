package x12wms_test

import (
	"errors"
	"fmt"

	"github.com/paklog/hub/edi/x12"
	"github.com/paklog/hub/transforms/x12wms"
)

// An order that cannot be shipped as asked is refused with the place of the cause.
func ExampleProfile_Order() {
	const data = "ISA*00*          *00*          *ZZ*ACME           *ZZ*PAKLOG         *261123*0915*U*00401*000000007*0*P*>~\n" +
		"GS*OW*ACME*PAKLOG*20261123*0915*7*X*004010~\n" +
		"ST*940*0001~\nW05*N*ORD-1~\nN1*ST*CORNER SHOP~\nLX*1~\nW01*2*CA**VN*SKU-1~\nW76*2~\nSE*7*0001~\n" +
		"ST*940*0002~\nW05*N*ORD-2~\nN1*ST*CORNER SHOP~\nLX*1~\nW01*0.5*EA**VN*SKU-2~\nW76*1~\nSE*7*0002~\n" +
		"GE*2*7~\nIEA*1*000000007~\n"
	d, err := x12.Parse([]byte(data), x12.Limits{})
	if err != nil {
		fmt.Println(err)
		return
	}
	profile := x12wms.Profile{Tenant: "main", Facility: "dc1"}
	for set := range d.Sets() {
		o, err := profile.Order(set)
		var bad *x12wms.Error
		if errors.As(err, &bad) {
			fmt.Println(bad.Findings[0])
			continue
		}
		line := o.Command.Lines[0]
		at, _ := o.At("lines[0].item")
		fmt.Printf("order %s of %s: %d %s of %s, from %v\n", o.Command.Number, o.Command.Owner, line.Qty, line.UOM, line.Item, at)
	}
	// Output:
	// order ORD-1 of ACME: 2 case of SKU-1, from W01-05 (segment 5, byte 215)
	// 14:5 (byte 295, segment 5) error W01-01: quantity "0.5" is not a whole number; send the quantity in a unit that needs no fraction
}
