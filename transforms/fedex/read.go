package fedex

import (
	"encoding/json"
	"strings"

	"github.com/paklog/hub/core/ship"
	"github.com/paklog/hub/transforms/internal/carrierdoc"
)

// trouble is FedEx's error, of a document or of one inquiry in it.
type trouble struct{ Code, Message carrierdoc.Text }

// ReadError finds the code and the words of a FedEx error document. All of
// several errors are told; the code is the first one's.
func ReadError(body []byte) (string, string) {
	var doc struct{ Errors carrierdoc.List[trouble] }
	if json.Unmarshal(body, &doc) != nil || len(doc.Errors) == 0 {
		return "", ""
	}
	words := make([]string, 0, len(doc.Errors))
	for _, e := range doc.Errors[:min(len(doc.Errors), 10)] {
		words = append(words, strings.TrimSpace(string(e.Message)))
	}
	return string(doc.Errors[0].Code), strings.Join(words, "; ")
}

// services are the names of the services that labels are bought for; answers to
// questions about prices bring their own.
var services = map[string]string{
	"FEDEX_GROUND": "FedEx Ground", "GROUND_HOME_DELIVERY": "FedEx Home Delivery", "SMART_POST": "FedEx Ground Economy",
	"FEDEX_EXPRESS_SAVER": "FedEx Express Saver", "FEDEX_2_DAY": "FedEx 2Day", "FEDEX_2_DAY_AM": "FedEx 2Day AM",
	"STANDARD_OVERNIGHT": "FedEx Standard Overnight", "PRIORITY_OVERNIGHT": "FedEx Priority Overnight", "FIRST_OVERNIGHT": "FedEx First Overnight",
}

func service(code string) ship.Service { return ship.Service{Code: code, Name: services[code]} }
