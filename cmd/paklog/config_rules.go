package main

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/adapters/webhook"
	"github.com/paklog/hub/core/count"
	"github.com/paklog/hub/core/inventory"
	"github.com/paklog/hub/core/order"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/party"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/core/scope"
	"github.com/paklog/hub/edi/edifact"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/transforms/x12wms"
)

// Validate reports what cannot work together. What serve would refuse to start with is
// refused here, so that config check tells it before the hub is stopped.
func (c *Config) Validate() error {
	var errs []error
	if c.Data == "" {
		errs = append(errs, errors.New("data: names no folder"))
	}
	errs = append(errs, c.storeRules(), c.busRules(), c.queueRules(), goodName("tenant", c.Tenant), goodName("owner", c.Owner), goodName("facility", c.Facility))
	errs = append(errs, c.buildings()...)
	for _, name := range slices.Sorted(maps.Keys(c.EDI.Partners)) {
		if _, _, err := c.mapsOf(name); err != nil {
			errs = append(errs, err)
		}
	}
	errs = append(errs, c.connectorRules()...)
	errs = append(errs, c.as2Rules()...)
	errs = append(errs, c.handOnRules()...)
	keys := c.apiKeys()
	errs = append(errs, each("http.listen", rest.CheckListen(c.HTTP.Listen, keys, c.people()...)))
	// What is wrong with one key alone is told where it stands.
	keys = slices.DeleteFunc(keys, func(k rest.Key) bool { return rest.CheckSecret(k.Secret) != nil || k.Validate() != nil })
	if err := rest.CheckKeys(keys); err != nil {
		errs = append(errs, fmt.Errorf("http.keys: %w", err))
	}
	// Without a key everybody is the same one, who may not approve of what is his own.
	if c.Desk.ApproveAbove > 0 && len(c.HTTP.Keys)+len(c.HTTP.Users) == 0 {
		errs = append(errs, errors.New("desk.approve_above: nobody could approve: without http.keys nobody is told from anybody else"))
	}
	return errors.Join(errs...)
}

// handOnRules refuse chains of doors that lead nowhere.
func (c *Config) handOnRules() (errs []error) {
	for _, name := range slices.Sorted(maps.Keys(c.EDI.Partners)) {
		h, at := c.EDI.Partners[name].HandsOn, "edi.partners."+name+".hands_on"
		_, known := c.EDI.Partners[h.To]
		switch {
		case h.To == "" && h.Only:
			errs = append(errs, fmt.Errorf("%s.only: nobody would work on his documents: say to whom they go", at))
		case h.To == name:
			errs = append(errs, fmt.Errorf("%s.to: his documents would go back to him", at))
		case h.To != "" && !known:
			errs = append(errs, fmt.Errorf("%s.to: no partner is named %q", at, h.To))
		}
	}
	return errs
}

// each places all that were joined at a key.
func each(key string, err error) error {
	joined, ok := err.(interface{ Unwrap() []error })
	if !ok {
		if err == nil {
			return nil
		}
		return fmt.Errorf("%s: %w", key, err)
	}
	var errs []error
	for _, err := range joined.Unwrap() {
		errs = append(errs, fmt.Errorf("%s: %w", key, err))
	}
	return errors.Join(errs...)
}

// listenAddress refuses what nobody can listen on.
func listenAddress(key, addr string) error {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%s: %q: the port is a number up to 65535", key, addr)
	}
	return nil
}

// buildings refuses one that is named anywhere and stands neither in facility nor in
// facilities: the doors would refuse what names it.
func (c *Config) buildings() []error {
	var errs []error
	known := []string{c.Facility}
	for i, name := range c.Facilities {
		at := fmt.Sprintf("facilities[%d]", i)
		errs = append(errs, goodName(at, name))
		if slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("%s: %q stands for a building already", at, name))
			continue
		}
		known = append(known, name)
	}
	check := func(key, name string) {
		if name != "" && !slices.Contains(known, name) {
			errs = append(errs, fmt.Errorf("%s: %q is no building of ours: there are %s; add it to facilities", key, name, strings.Join(known, ", ")))
		}
	}
	runs := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.EDI.Partners)) {
		for i, facility := range c.EDI.Partners[name].Runs {
			at := fmt.Sprintf("edi.partners.%s.runs[%d]", name, i)
			check(at, facility)
			if by := runs[facility]; by != "" {
				errs = append(errs, fmt.Errorf("%s: %s runs %q already", at, by, facility))
			}
			runs[facility] = name
		}
		for _, code := range slices.Sorted(maps.Keys(c.EDI.Partners[name].Facilities)) {
			check("edi.partners."+name+".facilities."+code, c.EDI.Partners[name].Facilities[code])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.Webhooks)) {
		check("webhooks."+name+".facility", c.Webhooks[name].Facility)
	}
	for _, name := range slices.Sorted(maps.Keys(c.Shops)) {
		errs = append(errs, goodName("shops."+name, name))
		check("shops."+name+".facility", c.Shops[name].Facility)
		for _, place := range slices.Sorted(maps.Keys(c.Shops[name].Locations)) {
			check("shops."+name+".locations."+place, c.Shops[name].Locations[place])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(c.ERPs)) {
		errs = append(errs, goodName("erps."+name, name))
		check("erps."+name+".facility", c.ERPs[name].Facility)
		for _, point := range slices.Sorted(maps.Keys(c.ERPs[name].Points)) {
			check("erps."+name+".points."+point, c.ERPs[name].Points[point])
		}
		for _, plant := range slices.Sorted(maps.Keys(c.ERPs[name].Plants)) {
			check("erps."+name+".plants."+plant, c.ERPs[name].Plants[plant])
		}
		for _, building := range slices.Sorted(maps.Keys(c.ERPs[name].Stocks)) {
			check("erps."+name+".stocks."+building, building)
		}
		for _, other := range slices.Sorted(maps.Keys(c.ERPs)) {
			a, b := c.ERPs[name], c.ERPs[other]
			if other < name && cmp.Or(a.Owner, c.Owner) == cmp.Or(b.Owner, c.Owner) && cmp.Or(a.Facility, c.Facility) == cmp.Or(b.Facility, c.Facility) && (a.Numbers == "" || b.Numbers == "" || a.Numbers == b.Numbers) {
				errs = append(errs, fmt.Errorf("erps.%s: is of the same orders as %s: tell them apart by owner, facility or numbers", name, other))
			}
		}
	}
	return errs
}

// goodName refuses a name that cannot stand in the names of streams.
func goodName(key, name string) error {
	if err := scope.CheckName(name); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// Validate refuses a key that could be guessed.
func (c KeyConfig) Validate() error {
	if err := rest.CheckSecret(c.Key.Reveal()); err != nil {
		return fmt.Errorf("key: %w", err)
	}
	r, err := c.rights()
	if err != nil {
		return err
	}
	if err := r.Validate(); err != nil {
		return fmt.Errorf("role: %w", err)
	}
	return nil
}

// Validate refuses what is no hash of a password.
func (c UserConfig) Validate() error {
	return errors.Join(each("password_hash", rest.CheckHash(c.PasswordHash.Reveal())), each("role", c.rights().Validate()))
}

// Validate refuses a building that cannot work.
func (c WarehouseConfig) Validate() error {
	errs := []error{
		c.unique(),
		atLeast("wave_orders", c.WaveOrders, 1), atMost("wave_orders", c.WaveOrders, routes.MaxWave), positive("wave_wait", c.WaveWait), positive("wave_urgent", c.WaveUrgent),
		positive("task_lease", c.TaskLease),
		atLeast("auto_workers", c.AutoWorkers, 0), atLeast("short_one_in", c.ShortOneIn, 0),
		atLeast("count_tolerance", c.Tolerance, 0), atLeast("recounts", c.Recounts, 0), atMost("recounts", c.Recounts, count.MaxRounds-1),
	}
	if err := inventory.CheckStrategy(c.Allocation); err != nil {
		errs = append(errs, fmt.Errorf("allocation: %w", err))
	}
	switch c.Past {
	case routes.PastHold, routes.PastCancel, routes.PastIgnore:
	default:
		errs = append(errs, fmt.Errorf("past_cancel_after: %q is none of %s, %s, %s", c.Past, routes.PastHold, routes.PastCancel, routes.PastIgnore))
	}
	for _, who := range slices.Sorted(maps.Keys(c.ShelfLife)) {
		errs = append(errs, atLeast("shelf_life."+who, c.ShelfLife[who], 0))
	}
	for _, owner := range slices.Sorted(maps.Keys(c.OverLimit)) {
		errs = append(errs, atLeast("over_tolerance."+owner, c.OverLimit[owner], 0), atMost("over_tolerance."+owner, c.OverLimit[owner], receiving.MaxTolerance))
	}
	if c.Over != receiving.RefuseOver && c.Over != receiving.HoldOver {
		errs = append(errs, fmt.Errorf("over: %q is neither %s nor %s", c.Over, receiving.RefuseOver, receiving.HoldOver))
	}
	if c.PromiseAt != promiseAtPutAway && c.PromiseAt != promiseAtReceipt {
		errs = append(errs, fmt.Errorf("promise_at: %q is neither %s nor %s", c.PromiseAt, promiseAtPutAway, promiseAtReceipt))
	}
	for i, r := range c.Reasons {
		if err := scope.CheckPart(r); err != nil {
			errs = append(errs, fmt.Errorf("reasons[%d]: %w", i, err))
		}
	}
	if _, err := (pack.Numbering{Prefix: c.SSCCPrefix}).SSCC(); err != nil {
		errs = append(errs, fmt.Errorf("sscc_prefix: %q is not a GS1 company prefix of 4 to 12 digits", c.SSCCPrefix))
	}
	if len(c.Boxes) == 0 {
		errs = append(errs, errors.New("boxes: there is none, so nothing can be packed"))
	}
	for i, b := range c.Boxes {
		if b.Name == "" || slices.ContainsFunc(c.Boxes[:i], func(o BoxConfig) bool { return o.Name == b.Name }) {
			errs = append(errs, fmt.Errorf("boxes[%d].name: %q is empty or stands for another box too", i, b.Name))
		}
	}
	return errors.Join(errs...)
}

// Validate refuses words and shares that mean nothing.
func (c PackConfig) Validate() error {
	errs := []error{
		atLeast("tolerance_permille", c.Tolerance, 0), atMost("tolerance_permille", c.Tolerance, 1000), atLeast("tolerance_g", c.Absolute, 0), atMost("tolerance_g", c.Absolute, 1_000_000),
		atLeast("dunnage_permille", c.Dunnage, 0), atMost("dunnage_permille", c.Dunnage, 1000),
	}
	if c.Verify != routes.VerifyTrust && c.Verify != routes.VerifyAll {
		errs = append(errs, fmt.Errorf("verify: %q is neither %s nor %s", c.Verify, routes.VerifyTrust, routes.VerifyAll))
	}
	return errors.Join(errs...)
}

// Validate refuses a country that no carrier knows.
func (c AddressConfig) Validate() error {
	if !party.Country(c.Country) {
		return fmt.Errorf("country: %q is not an ISO 3166-1 alpha-2 code like US", c.Country)
	}
	return nil
}

// Validate refuses a box that holds nothing.
func (b BoxConfig) Validate() error {
	return errors.Join(
		atLeast("length_mm", b.Length, 1), atLeast("width_mm", b.Width, 1), atLeast("height_mm", b.Height, 1),
		atLeast("max_weight_g", b.MaxWeight, 1), atLeast("tare_g", b.Tare, 0),
		atLeast("cost", b.Cost, 0), atMost("cost", b.Cost, 1_000_000_000),
	)
}

// Validate refuses times that are none, and two partners that their documents do not tell
// apart: each would be sent the control numbers of the other.
func (c EDIConfig) Validate() error {
	errs := []error{positive("poll", c.Poll), positive("ack_within", c.AckWithin)}
	if c.Patience < 0 {
		errs = append(errs, errors.New("patience: is less than nothing"))
	}
	seen := map[[4]string]string{}
	for _, name := range slices.Sorted(maps.Keys(c.Partners)) {
		p := c.Partners[name]
		ids := [...]string{p.Qualifier, p.ID, p.OurQualifier, p.OurID}
		if first, there := seen[ids]; there && p.ID != "" {
			errs = append(errs, fmt.Errorf("partners.%s.id: %s has the same ids and qualifiers: one folder is for one partner", name, first))
			continue
		}
		seen[ids] = name
	}
	return errors.Join(errs...)
}

// Charsets of what goes to a partner.
const (
	charsetUTF8   = "utf-8"
	charsetLatin1 = "latin-1"
)

// Validate reports what does not fit.
func (c PartnerConfig) Validate() error {
	var errs []error
	for _, id := range []struct{ key, value string }{{"id", c.ID}, {"our_id", c.OurID}} {
		if id.value == "" || len(id.value) > 15 {
			errs = append(errs, fmt.Errorf("%s: has 1 to 15 characters", id.key))
		} else if strings.ContainsFunc(id.value, notInISA) {
			errs = append(errs, fmt.Errorf("%s: %q has a character that an ISA cannot hold: printable ASCII without * ~ > ^", id.key, id.value))
		}
	}
	for _, q := range []struct{ key, value string }{{"qualifier", c.Qualifier}, {"our_qualifier", c.OurQualifier}} {
		if len(q.value) != 2 {
			errs = append(errs, fmt.Errorf("%s: has 2 characters", q.key))
		}
	}
	if c.Owner != "" {
		errs = append(errs, goodName("owner", c.Owner))
	}
	if len(c.Version) < 6 || len(c.Version) > 12 {
		errs = append(errs, errors.New("version: has 6 to 12 characters, as 004010"))
	}
	if c.Usage != "P" && c.Usage != "T" {
		errs = append(errs, errors.New("usage: is P or T"))
	}
	if c.Charset != charsetUTF8 && c.Charset != charsetLatin1 {
		errs = append(errs, fmt.Errorf("charset: %q is neither %s nor %s", c.Charset, charsetUTF8, charsetLatin1))
	}
	if c.Policy != order.Partial && c.Policy != order.AllOrNothing {
		errs = append(errs, fmt.Errorf("policy: %q is neither %s nor %s", c.Policy, order.Partial, order.AllOrNothing))
	}
	if !slices.Contains([]string{"set", "group", "interchange"}, c.Reject) {
		errs = append(errs, fmt.Errorf("reject: %q is none of set, group, interchange", c.Reject))
	}
	if c.Acknowledge != "997" && c.Acknowledge != "999" {
		errs = append(errs, fmt.Errorf("acknowledge: %q is neither 997 nor 999", c.Acknowledge))
	}
	if c.Overlay != "" {
		errs = append(errs, goodName("profile", c.Overlay))
	}
	if _, err := time.LoadLocation(c.Zone); err != nil {
		errs = append(errs, fmt.Errorf("zone: %w", err))
	}
	if _, err := routes.ParseWindow(c.Window); err != nil {
		errs = append(errs, fmt.Errorf("window: %w", err))
	}
	errs = append(errs, atLeast("rate", c.Rate, 0), atMost("rate", c.Rate, 60_000))
	if c.SCAC != "" && (len(c.SCAC) < 2 || len(c.SCAC) > 4 || strings.ToUpper(c.SCAC) != c.SCAC) {
		errs = append(errs, fmt.Errorf("scac: %q is no code of two to four capital letters", c.SCAC))
	}
	if c.AS2.URL != "" && c.SFTP.Drop != "" {
		errs = append(errs, errors.New("sftp.drop: ours leave for his AS2 station (as2.url): name one of the two"))
	}
	if c.FTPS.Drop != "" && (c.AS2.URL != "" || c.SFTP.Drop != "") {
		errs = append(errs, errors.New("ftps.drop: ours leave another way (as2.url, sftp.drop): name one of them"))
	}
	errs = append(errs, overlaps(c.Batches))
	if c.EDIFACT.Runs && len(c.Runs) == 0 {
		errs = append(errs, errors.New("edifact.runs: he runs no building: name those that he runs (runs)"))
	}
	if c.Reports < 0 {
		errs = append(errs, errors.New("reports_within: is less than nothing; 0 is any time"))
	}
	for i, owner := range c.Notices {
		errs = append(errs, goodName(fmt.Sprintf("notices[%d]", i), owner))
	}
	if !slices.Contains([]string{routes.ByAdvice, routes.ByNotice, routes.ByBoth}, c.ShipNotice) {
		errs = append(errs, fmt.Errorf("ship_notice: %q is none of 945, 856, both", c.ShipNotice))
	}
	if !slices.Contains([]string{routes.TendersAsked, routes.TendersAccepted, routes.TendersDeclined}, c.Tenders) {
		errs = append(errs, fmt.Errorf("tenders: %q is none of ask, accept, decline", c.Tenders))
	}
	if c.Currency != "" && !x12wms.Hundredths(c.Currency) {
		errs = append(errs, fmt.Errorf("currency: %q is no currency of hundredths, as USD or EUR", c.Currency))
	}
	if c.NoticeLevels != x12wms.LevelsPacked && c.NoticeLevels != x12wms.LevelsFlat {
		errs = append(errs, fmt.Errorf("ship_notice_levels: %q is neither %s nor %s", c.NoticeLevels, x12wms.LevelsPacked, x12wms.LevelsFlat))
	}
	for i, role := range c.ShipTo {
		if n := len(role); n < 2 || n > 3 || strings.ToUpper(role) != role {
			errs = append(errs, fmt.Errorf("ship_to[%d]: %q is not a role of two or three capital letters", i, role))
		}
	}
	for carrier, code := range c.SCACs {
		if n := len(code); n < 2 || n > 4 || strings.ToUpper(code) != code {
			errs = append(errs, fmt.Errorf("scacs.%s: %q is no code of two to four capital letters", carrier, code))
		}
	}
	for reason, code := range c.Reasons {
		if len(code) != 2 {
			errs = append(errs, fmt.Errorf("reasons.%s: %q is not a code of two characters", reason, code))
		}
	}
	return errors.Join(append(errs, c.Stock.validate())...)
}

// Validate reports what does not fit.
func (c EDIFACTConfig) Validate() error {
	var errs []error
	level, version, _ := strings.Cut(c.Syntax, ":")
	if !edifact.Charset(level).Known() || !slices.Contains([]string{"1", "2", "3", "4"}, version) {
		errs = append(errs, fmt.Errorf("syntax: %q is not one of UNOA to UNOL, UNOW, UNOX, UNOY with a version of 1 to 4, as UNOC:3", c.Syntax))
	}
	if c.Directory != "D96A" && c.Directory != "D01B" {
		errs = append(errs, fmt.Errorf("directory: %q is neither D96A nor D01B", c.Directory))
	}
	for _, q := range []struct{ key, value string }{{"qualifier", c.Qualifier}, {"our_qualifier", c.OurQualifier}} {
		if len(q.value) > 4 {
			errs = append(errs, fmt.Errorf("%s: has at most 4 characters", q.key))
		}
	}
	return errors.Join(errs...)
}

// notInISA reports what the reader of an ISA would take for a delimiter, or not at all.
func notInISA(r rune) bool { return r < ' ' || r > '~' || strings.ContainsRune("*~>^", r) }

// Validate refuses a door that anybody could open.
func (c HookConfig) Validate() error {
	var errs []error
	if secret := c.Secret.Reveal(); !strings.HasPrefix(secret, "whsec_") {
		errs = append(errs, errors.New("secret: is needed and begins with whsec_; the platform shows it where its webhook is set up"))
	} else if err := webhook.CheckSecret(secret); err != nil {
		errs = append(errs, fmt.Errorf("secret: %w", err))
	}
	if old := c.OldSecret.Reveal(); old != "" {
		if err := webhook.CheckSecret(old); err != nil {
			errs = append(errs, fmt.Errorf("old_secret: %w", err))
		}
	}
	if c.Owner != "" {
		errs = append(errs, goodName("owner", c.Owner))
	}
	return errors.Join(errs...)
}

// Validate refuses an account number that the carrier has not.
func (c CarriersConfig) Validate() error {
	var errs []error
	if c.UPS.URL != "" && len(c.UPS.Account) != 6 {
		errs = append(errs, fmt.Errorf("ups.account: has six characters, not %d", len(c.UPS.Account)))
	}
	if c.FedEx.URL != "" && len(c.FedEx.Account) != 9 {
		errs = append(errs, fmt.Errorf("fedex.account: has nine digits, not %d", len(c.FedEx.Account)))
	}
	return errors.Join(errs...)
}

// Validate refuses half an account, and who is not known by numbers.
func (c USPSConfig) Validate() error {
	if c.URL == "" {
		return nil
	}
	errs := []error{c.CarrierConfig.Validate()}
	mailer := func(key, v string) {
		if (len(v) != 6 && len(v) != 9) || strings.Trim(v, "0123456789") != "" {
			errs = append(errs, fmt.Errorf("%s: %q are not 6 or 9 digits", key, v))
		}
	}
	if len(c.CRID) < 2 || len(c.CRID) > 18 {
		errs = append(errs, fmt.Errorf("crid: has two to eighteen digits, not %d", len(c.CRID)))
	}
	mailer("mid", c.MID)
	if c.ManifestMID != "" {
		mailer("manifest_mid", c.ManifestMID)
	}
	if c.Account == "" {
		errs = append(errs, errors.New("account: is needed beside a url"))
	}
	return errors.Join(append(errs, atLeast("calls_per_hour", c.CallsPerHour, 1))...)
}

// Validate refuses half an account.
func (c CarrierConfig) Validate() error {
	if c.URL == "" {
		return nil
	}
	var errs []error
	if u, err := url.Parse(c.URL); err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" {
		errs = append(errs, fmt.Errorf("url: %q is no address, as https://host.example", c.URL))
	}
	if c.ClientID == "" {
		errs = append(errs, errors.New("client_id: is needed beside a url"))
	}
	if c.ClientSecret.Reveal() == "" {
		errs = append(errs, errors.New("client_secret: is needed beside a url"))
	}
	switch c.Confirm {
	case "", routes.AtLabel, routes.AtManifest, routes.AtLoad:
	default:
		errs = append(errs, fmt.Errorf("confirm: %q is none of %s, %s, %s", c.Confirm, routes.AtLabel, routes.AtManifest, routes.AtLoad))
	}
	if _, err := time.Parse("15:04", c.ManifestAt); c.ManifestAt != "" && err != nil {
		errs = append(errs, fmt.Errorf("manifest_at: %q is no time of the day like 18:00", c.ManifestAt))
	}
	return errors.Join(append(errs, positive("timeout", c.Timeout), positive("resolve_after", c.ResolveAfter))...)
}

// Validate refuses a size that is none.
func (c DeskConfig) Validate() error { return atLeast("approve_above", c.ApproveAbove, 0) }

// Validate refuses limits that let nothing pass.
func (c LimitsConfig) Validate() error {
	errs := []error{atLeast("max_document", c.MaxDocument, 1), positive("probe", c.Probe), positive("drain", c.Drain)}
	if c.FreeDisk == 0 || c.FreeDisk > 99 {
		errs = append(errs, fmt.Errorf("free_disk_percent: is 1 to 99, or negative for never, not %d", c.FreeDisk))
	}
	return errors.Join(errs...)
}

func atLeast[T cmp.Ordered](key string, v, least T) error {
	if v < least {
		return fmt.Errorf("%s: is %v, and at least %v", key, v, least)
	}
	return nil
}

func atMost[T cmp.Ordered](key string, v, most T) error {
	if v > most {
		return fmt.Errorf("%s: is %v, and at most %v", key, v, most)
	}
	return nil
}

func positive(key string, d time.Duration) error {
	if d <= 0 {
		return fmt.Errorf("%s: is %v, and longer than nothing", key, d)
	}
	return nil
}
