package strictjson_test

import (
	"fmt"

	"github.com/paklog/hub/adapters/internal/strictjson"
)

func ExampleDecode() {
	var order struct {
		Number string `json:"number"`
		Lines  []struct {
			Item string `json:"item"`
			Qty  int64  `json:"qty"`
		} `json:"lines"`
	}
	for _, body := range []string{
		`{"number":"SO-1","lines":[{"item":"A-1","qty":1e3}]}`,
		`{"number":"SO-1","lines":[{"item":"A-1","Qty":1}]}`,
		`{"number":"SO-1","number":"SO-2","lines":[]}`,
	} {
		fmt.Println(strictjson.Decode([]byte(body), &order))
	}
	// Output:
	// lines[0].qty (byte 46): 1e3 is not a whole number: write it without fraction and exponent
	// lines[0] (byte 40): the field "Qty" is not known: is "qty" meant?
	// number (byte 17): the field "number" comes twice
}
