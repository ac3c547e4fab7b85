package gs1

import (
	"fmt"
	"strings"
)

// anItem are the identifiers of a trade item: what is said of goods needs one beside it.
const anItem = "01,02,03,8006,8026"

// byAI is the table of application identifiers, General Specifications figure 3.2-1. Country
// and currency numbers, coordinates, coupons, IBAN and the global model number are held
// against their lengths and characters alone.
var byAI = index(
	key("00", "SSCC", n(18, checked)),
	key("01", "GTIN", n(14, checked)).never("02,03,255,37").then("22,10,21", "235"),
	ai("02", "CONTENT", n(14, checked)).needs("37").never("01,03"),
	ai("03", "MTO GTIN", n(14, checked)).never("01,02,37"),
	ai("10", "BATCH/LOT", x(20)).needs(anItem),
	ai("11", "PROD DATE", n(6, dayOrMonth)).needs(anItem),
	ai("12", "DUE DATE", n(6, dayOrMonth)).needs("8020"),
	ai("13", "PACK DATE", n(6, dayOrMonth)).needs(anItem),
	ai("15", "BEST BEFORE or BEST BY", n(6, dayOrMonth)).needs(anItem),
	ai("16", "SELL BY", n(6, dayOrMonth)).needs(anItem),
	ai("17", "USE BY or EXPIRY", n(6, dayOrMonth)).needs(anItem+",255"),
	ai("20", "VARIANT", n(2, nil)).needs(anItem),
	ai("21", "SERIAL", x(20)).needs("01,03,8006").never("235"),
	ai("22", "CPV", x(20)).needs("01"),
	ai("235", "TPX", x(28)).needs("01"),
	ai("240", "ADDITIONAL ID", x(30)).needs(anItem),
	ai("241", "CUST. PART No.", x(30)).needs(anItem),
	ai("242", "MTO VARIANT", upTo(6)).needs(anItem),
	ai("243", "PCN", x(20)).needs("01"),
	ai("250", "SECONDARY SERIAL", x(30)).needs("01,8006").needs("21"),
	ai("251", "REF. TO SOURCE", x(30)).needs("01,8006"),
	key("253", "GDTI", n(13, checked), optional(x(17))),
	ai("254", "GLN EXTENSION COMPONENT", x(20)).needs("414"),
	key("255", "GCN", n(13, checked), optional(upTo(12))).never("01,02,415,8006,8020,8026"),
	ai("30", "VAR. COUNT", upTo(8)).needs("01,02"),

	measures("310", "NET WEIGHT (kg)", "01,02"),
	measures("311", "LENGTH (m)", "01,02"),
	measures("312", "WIDTH (m)", "01,02"),
	measures("313", "HEIGHT (m)", "01,02"),
	measures("314", "AREA (m2)", "01,02"),
	measures("315", "NET VOLUME (l)", "01,02"),
	measures("316", "NET VOLUME (m3)", "01,02"),
	measures("320", "NET WEIGHT (lb)", "01,02"),
	measures("321", "LENGTH (in)", "01,02"),
	measures("322", "LENGTH (ft)", "01,02"),
	measures("323", "LENGTH (yd)", "01,02"),
	measures("324", "WIDTH (in)", "01,02"),
	measures("325", "WIDTH (ft)", "01,02"),
	measures("326", "WIDTH (yd)", "01,02"),
	measures("327", "HEIGHT (in)", "01,02"),
	measures("328", "HEIGHT (ft)", "01,02"),
	measures("329", "HEIGHT (yd)", "01,02"),
	measures("330", "GROSS WEIGHT (kg)", "00,01"),
	measures("331", "LENGTH (m), log", "00,01"),
	measures("332", "WIDTH (m), log", "00,01"),
	measures("333", "HEIGHT (m), log", "00,01"),
	measures("334", "AREA (m2), log", "00,01"),
	measures("335", "VOLUME (l), log", "00,01"),
	measures("336", "VOLUME (m3), log", "00,01"),
	measures("337", "KG PER m2", "01"),
	measures("340", "GROSS WEIGHT (lb)", "00,01"),
	measures("341", "LENGTH (in), log", "00,01"),
	measures("342", "LENGTH (ft), log", "00,01"),
	measures("343", "LENGTH (yd), log", "00,01"),
	measures("344", "WIDTH (in), log", "00,01"),
	measures("345", "WIDTH (ft), log", "00,01"),
	measures("346", "WIDTH (yd), log", "00,01"),
	measures("347", "HEIGHT (in), log", "00,01"),
	measures("348", "HEIGHT (ft), log", "00,01"),
	measures("349", "HEIGHT (yd), log", "00,01"),
	measures("350", "AREA (in2)", "01,02"),
	measures("351", "AREA (ft2)", "01,02"),
	measures("352", "AREA (yd2)", "01,02"),
	measures("353", "AREA (in2), log", "00,01"),
	measures("354", "AREA (ft2), log", "00,01"),
	measures("355", "AREA (yd2), log", "00,01"),
	measures("356", "NET WEIGHT (troy oz)", "01,02"),
	measures("357", "NET VOLUME (oz)", "01,02"),
	measures("360", "NET VOLUME (qt)", "01,02"),
	measures("361", "NET VOLUME (gal)", "01,02"),
	measures("362", "VOLUME (qt), log", "00,01"),
	measures("363", "VOLUME (gal), log", "00,01"),
	measures("364", "VOLUME (in3)", "01,02"),
	measures("365", "VOLUME (ft3)", "01,02"),
	measures("366", "VOLUME (yd3)", "01,02"),
	measures("367", "VOLUME (in3), log", "00,01"),
	measures("368", "VOLUME (ft3), log", "00,01"),
	measures("369", "VOLUME (yd3), log", "00,01"),

	ai("37", "COUNT", upTo(8)).needs("00").needs("02,8026"),
	series("390", 10, "AMOUNT", upTo(15)).needs("255,8020").never("391n,394n,8111"),
	series("391", 10, "AMOUNT", n(3, nil), upTo(15)).needs("8020"),
	series("392", 10, "PRICE", upTo(15)).needs("01").needs("30,31nn,32nn,35nn,36nn").never("393n"),
	series("393", 10, "PRICE", n(3, nil), upTo(15)).needs("01").needs("30,31nn,32nn,35nn,36nn"),
	series("394", 4, "PRCNT OFF", n(4, nil)).needs("255").never("8111"),
	series("395", 6, "PRICE/UoM", n(6, nil)).needs("30,31nn,32nn,35nn,36nn").never("392n,393n,8005"),

	ai("400", "ORDER NUMBER", x(30)),
	key("401", "GINC", x(30)),
	key("402", "GSIN", n(17, checked)),
	ai("403", "ROUTE", x(30)).needs("00"),
	ai("410", "SHIP TO LOC", n(13, checked)),
	ai("411", "BILL TO", n(13, checked)),
	ai("412", "PURCHASE FROM", n(13, checked)),
	ai("413", "SHIP FOR LOC", n(13, checked)),
	key("414", "LOC No.", n(13, checked)).then("254", "7040"),
	key("415", "PAY TO", n(13, checked)).needs("8020").then("8020"),
	ai("416", "PROD/SERV LOC", n(13, checked)),
	key("417", "PARTY", n(13, checked)).then("7040"),
	ai("420", "SHIP TO POST", x(20)).never("421"),
	ai("421", "SHIP TO POST", n(3, nil), x(9)).never("4307"),
	ai("422", "ORIGIN", n(3, nil)).needs(anItem).never("426"),
	ai("423", "COUNTRY - INITIAL PROCESS", span(Digits, 3, 15)).needs("01,02").never("426"),
	ai("424", "COUNTRY - PROCESS", n(3, nil)).needs("01,02").never("426"),
	ai("425", "COUNTRY - DISASSEMBLY", span(Digits, 3, 15)).needs("01,02").never("426"),
	ai("426", "COUNTRY - FULL PROCESS", n(3, nil)).needs("01,02"),
	ai("427", "ORIGIN SUBDIVISION", x(3)).needs("01,02").needs("422"),

	ai("4300", "SHIP TO COMP", x(35)).needs("00"),
	ai("4301", "SHIP TO NAME", x(35)).needs("00"),
	ai("4302", "SHIP TO ADD1", x(70)).needs("00"),
	ai("4303", "SHIP TO ADD2", x(70)).needs("4302"),
	ai("4304", "SHIP TO SUB", x(70)).needs("00"),
	ai("4305", "SHIP TO LOC", x(70)).needs("00"),
	ai("4306", "SHIP TO REG", x(70)).needs("00"),
	ai("4307", "SHIP TO COUNTRY", span(Set82, 2, 2)).needs("00"),
	ai("4308", "SHIP TO PHONE", x(30)).needs("00"),
	ai("4309", "SHIP TO GEO", n(10, nil), n(10, nil)).needs("00"),
	ai("4310", "RTN TO COMP", x(35)).needs("00"),
	ai("4311", "RTN TO NAME", x(35)).needs("00"),
	ai("4312", "RTN TO ADD1", x(70)).needs("00"),
	ai("4313", "RTN TO ADD2", x(70)).needs("4312"),
	ai("4314", "RTN TO SUB", x(70)).needs("00"),
	ai("4315", "RTN TO LOC", x(70)).needs("00"),
	ai("4316", "RTN TO REG", x(70)).needs("00"),
	ai("4317", "RTN TO COUNTRY", span(Set82, 2, 2)).needs("00"),
	ai("4318", "RTN TO POST", x(20)).needs("00"),
	ai("4319", "RTN TO PHONE", x(30)).needs("00"),
	ai("4320", "SRV DESCRIPTION", x(35)).needs("00"),
	ai("4321", "DANGEROUS GOODS", n(1, yesOrNo)).needs("00"),
	ai("4322", "AUTH TO LEAVE", n(1, yesOrNo)).needs("00"),
	ai("4323", "SIG REQUIRED", n(1, yesOrNo)).needs("00"),
	ai("4324", "NOT BEF DEL DT", n(6, dayOrMonth), n(4, deliveryTime)).needs("00"),
	ai("4325", "NOT AFT DEL DT", n(6, dayOrMonth), n(4, deliveryTime)).needs("00"),
	ai("4326", "REL DATE", n(6, exactDay)).needs("00"),
	ai("4330", "MAX TEMP F", n(6, nil), optional(span(Set82, 1, 1)).checkedBy(hyphen)).needs("00").never("4331"),
	ai("4331", "MAX TEMP C", n(6, nil), optional(span(Set82, 1, 1)).checkedBy(hyphen)).needs("00"),
	ai("4332", "MIN TEMP F", n(6, nil), optional(span(Set82, 1, 1)).checkedBy(hyphen)).needs("00").never("4333"),
	ai("4333", "MIN TEMP C", n(6, nil), optional(span(Set82, 1, 1)).checkedBy(hyphen)).needs("00"),

	ai("7001", "NSN", n(13, nil)).needs(anItem),
	ai("7002", "MEAT CUT", x(30)).needs("01,02"),
	ai("7003", "EXPIRY TIME", n(6, exactDay), n(4, clock)).needs("01,02"),
	ai("7004", "ACTIVE POTENCY", upTo(4)).needs("01").needs("10"),
	ai("7005", "CATCH AREA", x(12)).needs("01,02"),
	ai("7006", "FIRST FREEZE DATE", n(6, exactDay)).needs("01,02"),
	ai("7007", "HARVEST DATE", n(6, exactDay), optional(n(6, exactDay))).needs("01,02"),
	ai("7008", "AQUATIC SPECIES", x(3)).needs("01,02"),
	ai("7009", "FISHING GEAR TYPE", x(10)).needs("01,02"),
	ai("7010", "PROD METHOD", x(2)).needs("01,02"),
	ai("7011", "TEST BY DATE", n(6, exactDay), optional(n(4, clock))).needs("01,02"),
	ai("7020", "REFURB LOT", x(20)).needs("01,8006").needs("416"),
	ai("7021", "FUNC STAT", x(20)).needs("01,8006"),
	ai("7022", "REV STAT", x(20)).needs("7021"),
	ai("7023", "GIAI - ASSEMBLY", x(30)),
	series("703", 10, "PROCESSOR", n(3, nil), x(27)).needs("01,02"),
	ai("7040", "UIC+EXT", n(1, nil), span(Set82, 3, 3)),
	series("71", 7, "NHRN", x(20)).needs("01"),
	series("723", 10, "CERT", span(Set82, 2, 2), x(28)).needs("01,8004"),
	ai("7240", "PROTOCOL", x(20)).needs("01,8006"),
	ai("7241", "AIDC MEDIA TYPE", n(2, nil)).needs("8017,8018"),
	ai("7242", "VCN", x(25)).needs("8017,8018"),

	ai("8001", "DIMENSIONS", n(4, notZero), n(5, notZero), n(3, notZero), n(1, nil), n(1, nil)).needs("01"),
	ai("8002", "CMT No.", x(20)),
	key("8003", "GRAI", n(1, zero), n(13, checked), optional(x(16))),
	key("8004", "GIAI", x(30)).then("7040"),
	ai("8005", "PRICE PER UNIT", n(6, nil)).needs("01,02"),
	key("8006", "ITIP", n(14, checked), n(4, pieceOfTotal)).never("01,37").then("22,10,21"),
	ai("8007", "IBAN", x(34)).needs("415"),
	ai("8008", "PROD TIME", n(8, hour), optional(span(Digits, 2, 4)).checkedBy(minutes)).needs("01,02"),
	ai("8009", "OPTSEN", x(50)).needs("00,01"),
	key("8010", "CPID", span(Set39, 1, 30)).then("8011"),
	ai("8011", "CPID SERIAL", upTo(12)).needs("8010"),
	ai("8012", "VERSION", x(20)).needs("01,8006"),
	key("8013", "GMN", x(25)),
	key("8017", "GSRN - PROVIDER", n(18, checked)).never("8018").then("8019"),
	key("8018", "GSRN - RECIPIENT", n(18, checked)).then("8019"),
	ai("8019", "SRIN", upTo(10)).needs("8017,8018"),
	ai("8020", "REF No.", x(25)).needs("415"),
	ai("8026", "ITIP CONTENT", n(14, checked), n(4, pieceOfTotal)).needs("37").never("02,8006"),
	ai("8030", "DIGSIG", span(Set64, 1, 90)).needs("00,01,253,255,8003,8004,8006,8010,8017,8018"),
	ai("8110", "COUPON", x(70)),
	ai("8111", "POINTS", n(4, nil)).needs("255"),
	ai("8112", "PAPERLESS COUPON", x(70)),
	ai("8200", "PRODUCT URL", x(70)).needs("01"),
	ai("90", "INTERNAL", x(30)),
	series("9", 10, "INTERNAL", x(90)).from(1),
)

// row is one line of the table: an identifier, or a series of them that differ in their
// last digit.
type row struct {
	Identifier
	first, count int // last digits of a series
}

func ai(code, title string, parts ...Part) row {
	return row{Identifier: Identifier{AI: code, Title: title, Parts: parts}}
}

func key(code, title string, parts ...Part) row {
	r := ai(code, title, parts...)
	r.Key = true
	return r
}

func series(code string, count int, title string, parts ...Part) row {
	r := ai(code, title, parts...)
	r.count = count
	return r
}

// measures are the six identifiers of a measure: their last digit says how many of the six
// digits are decimals. A thing has one of them at most.
func measures(code, title, needs string) row {
	return series(code, 6, title, n(6, nil)).needs(needs)
}

func (r row) from(first int) row     { r.first = first; return r }
func (r row) needs(oneOf string) row { r.Needs = append(r.Needs, strings.Split(oneOf, ",")); return r }
func (r row) never(list string) row  { r.Never = strings.Split(list, ","); return r }

func (r row) then(qualifiers ...string) row {
	for _, l := range qualifiers {
		r.Qualifiers = append(r.Qualifiers, strings.Split(l, ","))
	}
	return r
}

func n(length int, check func(string) string) Part {
	return Part{Set: Digits, Min: length, Max: length, check: check}
}
func upTo(most int) Part               { return span(Digits, 1, most) }
func x(most int) Part                  { return span(Set82, 1, most) }
func span(s Set, least, most int) Part { return Part{Set: s, Min: least, Max: most} }

func (p Part) checkedBy(check func(string) string) Part { p.check = check; return p }

func optional(p Part) Part { p.Optional = true; return p }

func index(rows ...row) map[string]*Identifier {
	out := map[string]*Identifier{}
	for _, r := range rows {
		if r.count == 0 {
			out[r.AI] = &r.Identifier
			continue
		}
		for d := r.first; d < r.count; d++ {
			id := r.Identifier
			id.AI = fmt.Sprintf("%s%d", r.AI, d)
			if len(r.AI) == 3 && r.AI[0] == '3' { // a measure or a price is told once
				id.Never = append(append([]string{}, id.Never...), r.AI+"n")
			}
			out[id.AI] = &id
		}
	}
	return out
}
