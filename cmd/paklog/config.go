package main

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"slices"
	"time"

	"github.com/paklog/hub/adapters/rest"
	"github.com/paklog/hub/configs"
	"github.com/paklog/hub/core/measure"
	"github.com/paklog/hub/core/pack"
	"github.com/paklog/hub/core/receiving"
	"github.com/paklog/hub/routes"
	"github.com/paklog/hub/transforms/x12wms"
)

// Config is everything an operator may ask for. Its zero value does not work; make it
// with [defaults].
type Config struct {
	Data          string                   `config:"data" doc:"Folder of the journal, the views and the socket; made when it is not there."`
	Store         string                   `config:"store" doc:"Where the journal is: sqlite, in the data folder, or postgres."`
	Postgres      PostgresConfig           `config:"postgres" doc:"The journal's database, where store is postgres."`
	Bus           string                   `config:"bus" doc:"Where others read the ten topics: journal, through this hub alone, or kafka, where they are copied to."`
	Kafka         KafkaConfig              `config:"kafka" doc:"The Kafka that the ten topics are copied to, where bus is kafka."`
	Queue         string                   `config:"queue" doc:"Where the work for slow partners waits: journal, or rabbitmq, in quorum queues of the broker below."`
	RabbitMQ      RabbitConfig             `config:"rabbitmq" doc:"The RabbitMQ of the work queues, where queue is rabbitmq."`
	S3            S3Config                 `config:"s3" doc:"The S3-compatible store of long documents and labels."`
	Tenant        string                   `config:"tenant" doc:"Name that every key begins with; it cannot be changed later."`
	Owner         string                   `config:"owner" doc:"Whose goods they are where a request names nobody."`
	Facility      string                   `config:"facility" doc:"The building that works where a document names none."`
	Facilities    []string                 `config:"facilities" doc:"Other buildings that work. Any else is refused at every door."`
	HTTP          HTTPConfig               `config:"http" doc:"REST, its documentation, health and metrics."`
	Log           LogConfig                `config:"log" doc:"What the hub says about itself, on standard error."`
	Warehouse     WarehouseConfig          `config:"warehouse" doc:"How the building works."`
	EDI           EDIConfig                `config:"edi" doc:"Trading partners that exchange X12 and EDIFACT through folders."`
	AS2           AS2Config                `config:"as2" doc:"Our station, for partners who speak AS2."`
	SFTP          SFTPServerConfig         `config:"sftp" doc:"Our SFTP server for trading partners."`
	PGP           PGPConfig                `config:"pgp" doc:"Our OpenPGP keys, for partners who want files encrypted or signed."`
	Webhooks      map[string]HookConfig    `config:"webhooks" doc:"Custom platforms that sign what they send, by name (POST /webhooks/NAME)."`
	Shops         map[string]ShopConfig    `config:"shops" doc:"Shops whose orders are shipped, by name; their webhooks come to POST /webhooks/shopify/NAME."`
	ERPs          map[string]ERPConfig     `config:"erps" doc:"ERPs that are told what left and came, by name."`
	Carriers      CarriersConfig           `config:"carriers" doc:"Who ships."`
	Printers      map[string]PrinterConfig `config:"printers" doc:"Network printers that print labels and slips by themselves, by name."`
	Notifications NotificationsConfig      `config:"notifications" doc:"Who hears of what was packed, has left or went wrong."`
	Desk          DeskConfig               `config:"desk" doc:"How people mend what failed."`
	Limits        LimitsConfig             `config:"limits" doc:"What protects the hub."`

	// Of a configuration that was loaded: what it was made from, how it is loaded again, the level
	// of the log that may change, and who asks for a reload.
	applied *configs.Applied
	again   func() (*Config, error)
	level   *slog.LevelVar
	hup     <-chan os.Signal

	probe probe // of crash tests
}

// HTTPConfig is the one HTTP door.
type HTTPConfig struct {
	Listen string               `config:"listen" doc:"Address to listen on. Any but loopback needs a key below."`
	TLS    TLSConfig            `config:"tls" doc:"Serve https. Handhelds enrol over it alone, and their page works off line over it alone."`
	Keys   map[string]KeyConfig `config:"keys" doc:"API keys by the name of the client that holds them."`

	Users map[string]UserConfig `config:"users" doc:"People who sign in to the console with a password, by their names. A name that a key has too is the same person."`
}

// TLSConfig is what the hub proves itself by.
type TLSConfig struct {
	Certificate string `config:"certificate" doc:"Path of the certificate with its chain, PEM; \"\" serves plain http."`
	PrivateKey  string `config:"private_key" doc:"Path of its key, PEM. Both are read for each connection, so a renewed one is taken at once."`
}

// Validate refuses half a pair, and files that are none.
func (c TLSConfig) Validate() error {
	if (c.Certificate == "") != (c.PrivateKey == "") {
		return errors.New("certificate and private_key are given together, or neither: paklog device certificate makes both")
	}
	return nil
}

// KeyConfig is one API key.
type KeyConfig struct {
	Key      configs.Secret `config:"key" doc:"The key: give key_file, or a reference like ${NAME} to the environment."`
	Role     string         `config:"role" doc:"What its holder may do: viewer looks and is shown nothing personal, support mends letters, operator works the warehouse and sends orders, admin lets devices in and trusts certificates; each what those before may. \"\" is admin."`
	Scopes   []string       `config:"scopes" doc:"Parts of the API that it is for, by the tags in /docs: orders, letters, stock, metrics. Without any it is for all."`
	Partners []string       `config:"partners" doc:"It opens letters of these trading partners alone."`
	Routes   []string       `config:"routes" doc:"It opens letters of these routes alone, and pauses them."`
	Expires  string         `config:"expires" doc:"When it opens nothing any more: a day in UTC in quotes (\"2027-01-31\"), or a moment (RFC 3339). \"\" is never."`
}

// UserConfig is somebody who signs in.
type UserConfig struct {
	PasswordHash configs.Secret `config:"password_hash" doc:"Hash of the password, as paklog user hash makes it: give password_hash_file, or a reference like ${NAME} to the environment."`
	Role         string         `config:"role" doc:"What the person may do, as of a key. \"\" is admin."`
	Scopes       []string       `config:"scopes" doc:"As of a key."`
	Partners     []string       `config:"partners" doc:"As of a key."`
	Routes       []string       `config:"routes" doc:"As of a key."`
}

// rights are those of the person.
func (c UserConfig) rights() rest.Rights {
	return rest.Rights{Role: rest.Role(c.Role), Scopes: c.Scopes, Partners: c.Partners, Routes: c.Routes}
}

// rights are those of who holds the key.
func (c KeyConfig) rights() (rest.Rights, error) {
	r := rest.Rights{Role: rest.Role(c.Role), Scopes: c.Scopes, Partners: c.Partners, Routes: c.Routes}
	if c.Expires != "" {
		at, err := time.Parse(time.RFC3339, c.Expires)
		if err != nil {
			at, err = time.Parse(time.DateOnly, c.Expires)
		}
		if err != nil {
			return r, fmt.Errorf("expires: %q is neither a day (2027-01-31) nor a moment (RFC 3339)", c.Expires)
		}
		r.Expires = at
	}
	return r, nil
}

// LogConfig is what is logged.
type LogConfig struct {
	Level  string `config:"level" doc:"debug, info, warn or error."`
	Format string `config:"format" doc:"text or json."`

	Access AccessLogConfig `config:"access" doc:"Who asked for what at REST, webhooks and AS2, as lines of JSON in a file."`
}

// AccessLogConfig is the log of requests.
type AccessLogConfig struct {
	File    string        `config:"file" doc:"Path of the file of now; those before lie beside it, with a time in their names. \"\" is none."`
	MaxSize int64         `config:"max_size,bytes" doc:"A new file is begun at this size."`
	Every   time.Duration `config:"rotate_every" doc:"A new file is begun at this age; 0 is never."`
	Keep    time.Duration `config:"keep" doc:"How long files of before stay, in whole days; 0 is for ever."`
	Files   int           `config:"files" doc:"How many files of before stay at most; 0 is any number."`
	Gzip    bool          `config:"gzip" doc:"Pack files of before."`
}

// Validate refuses what keeps no log.
func (c AccessLogConfig) Validate() error {
	errs := []error{atLeast("max_size", c.MaxSize, 1<<20), atLeast("files", c.Files, 0)}
	if c.Every != 0 && c.Every < time.Minute {
		errs = append(errs, fmt.Errorf("rotate_every: is %s, and a minute at least; 0 is never", c.Every))
	}
	if c.Keep != 0 && c.Keep < 24*time.Hour {
		errs = append(errs, fmt.Errorf("keep: is %s, and 24h at least; 0 is for ever", c.Keep))
	}
	return errors.Join(errs...)
}

// Validate refuses words that mean nothing.
func (c LogConfig) Validate() error {
	var errs []error
	switch c.Level {
	case "debug", "info", "warn", "error":
	default:
		errs = append(errs, fmt.Errorf("level: %q is none of debug, info, warn, error", c.Level))
	}
	if c.Format != "text" && c.Format != "json" {
		errs = append(errs, fmt.Errorf("format: %q is neither text nor json", c.Format))
	}
	return errors.Join(errs...)
}

// WarehouseConfig is how the building works.
type WarehouseConfig struct {
	WaveOrders int           `config:"wave_orders" doc:"Orders that make a wave; it is released when it has so many."`
	WaveWait   time.Duration `config:"wave_wait" doc:"A wave is released after this, however few orders it has."`
	WaveUrgent time.Duration `config:"wave_urgent" doc:"An order whose cut-off is nearer than this, or of priority 9, waits for no others."`
	Batches    BatchesConfig `config:"batches" doc:"How the orders of a wave are put together for picking."`

	Waves  []WaveConfig     `config:"waves" doc:"Templates of waves; an order belongs to the first that it fits, and to wave_orders, wave_wait and wave_urgent where it fits none."`
	Labour []StandardConfig `config:"labour" doc:"Labour standards; the first that fits counts."`
	Shifts []ShiftConfig    `config:"shifts" doc:"Who works when; a building that was given a plan of its own goes by that."`

	TaskLease   time.Duration  `config:"task_lease" doc:"How long a claim of the automatic workers lasts; a person's says so itself, 15 min without."`
	AutoWorkers int            `config:"auto_workers" doc:"Above 0 the hub picks and packs by itself, for trials; 0 leaves the work to people."`
	Tasks       TasksConfig    `config:"tasks" doc:"What work is given to whom first."`
	ShortOneIn  int            `config:"short_one_in" doc:"The simulated workers find one unit too few at one step in so many; 0 is never."`
	Allocation  string         `config:"allocation" doc:"How places are chosen where neither an item nor its owner names a rotation: fifo, fefo, lifo, full_first, by_unit, fewest_picks, pick_to_clean; \"\" is fefo for what expires and fifo for the rest."`
	ShelfLife   map[string]int `config:"shelf_life" doc:"Days that goods must still have for a customer, by the partner who orders or the location code that is shipped to."`
	Steal       bool           `config:"priority_steal" doc:"An order that is more urgent takes from others what nobody works on yet; they wait."`
	Past        string         `config:"past_cancel_after" doc:"Orders that are open at their cancel-after date: hold lets them wait for a person, cancel cancels what is open, ignore goes on."`
	Tolerance   int64          `config:"count_tolerance" doc:"Units that a count may be off without a second look."`
	Recounts    int            `config:"recounts" doc:"By how many others a larger difference must be confirmed."`
	OverLimit   map[string]int `config:"over_tolerance" doc:"What may come beyond an announcement, in permille of it, by owner."`
	Over        string         `config:"over" doc:"What becomes of more: refuse or hold."`
	Blind       bool           `config:"blind_receipts" doc:"Goods that nobody announced are received."`
	PromiseAt   string         `config:"promise_at" doc:"When goods at the dock may be promised to orders: putaway or receipt."`
	Reasons     []string       `config:"reasons" doc:"Reason codes that adjustments may have; empty takes any."`
	SSCCPrefix  string         `config:"sscc_prefix" doc:"GS1 company prefix of carton numbers, 4 to 12 digits."`
	ShipFrom    AddressConfig  `config:"ship_from" doc:"Where parcels leave from."`
	Boxes       []BoxConfig    `config:"boxes" doc:"Cartons there are to pack into."`
	Pack        PackConfig     `config:"pack" doc:"How people pack."`
}

// PackConfig is how people pack.
type PackConfig struct {
	Verify    string `config:"verify" doc:"trust: a packer may tell what lies in a carton; all: each unit is scanned into it."`
	Tolerance int    `config:"tolerance_permille" doc:"By how many thousandths a carton's weight may be off."`
	Absolute  int64  `config:"tolerance_g" doc:"By how many grams beside that; both 0 is never looked at."`
	Dunnage   int    `config:"dunnage_permille" doc:"Weight of fill and tape, in thousandths of the contents."`
	Weigh     bool   `config:"weigh" doc:"A carton that was not weighed is not closed."`
}

// When goods at the dock may be promised.
const (
	promiseAtPutAway = "putaway"
	promiseAtReceipt = "receipt"
)

// AddressConfig is a place.
type AddressConfig struct {
	Name       string `config:"name"`
	Street     string `config:"street"`
	City       string `config:"city"`
	Region     string `config:"region" doc:"State or province code."`
	PostalCode string `config:"postal_code"`
	Country    string `config:"country" doc:"ISO 3166-1 alpha-2."`
	Phone      string `config:"phone"`
}

// BoxConfig is a kind of carton.
type BoxConfig struct {
	Name      string `config:"name"`
	Length    int64  `config:"length_mm" doc:"Inside, in millimetres."`
	Width     int64  `config:"width_mm"`
	Height    int64  `config:"height_mm"`
	MaxWeight int64  `config:"max_weight_g" doc:"Contents at most, in grams."`
	Tare      int64  `config:"tare_g" doc:"The carton itself, in grams."`
	Cost      int64  `config:"cost" doc:"What one costs, in whole numbers of any unit; where no box has a cost, as few cartons as possible are packed."`
}

func (b BoxConfig) dims() measure.Dims {
	return measure.Dims{
		Length: measure.Length(b.Length) * measure.Millimetre, Width: measure.Length(b.Width) * measure.Millimetre,
		Height: measure.Length(b.Height) * measure.Millimetre,
	}
}

func (c PackConfig) flows() routes.PackConfig {
	return routes.PackConfig{Verify: c.Verify, Scale: pack.Scale{
		Permille: c.Tolerance, Absolute: measure.Mass(c.Absolute) * measure.Gram, Dunnage: c.Dunnage, Required: c.Weigh,
	}}
}

// EDIConfig is the folder door.
type EDIConfig struct {
	Root      string                   `config:"root" doc:"Folder with one folder a partner (inbox, outbox, archive, refused); \"\" is partners/ in the data folder."`
	Poll      time.Duration            `config:"poll" doc:"Time between two looks at the inboxes."`
	Patience  time.Duration            `config:"patience" doc:"How long a file that looks cut off waits in an inbox for its rest."`
	AckWithin time.Duration            `config:"ack_within" doc:"A document of ours without the partner's 997 after this becomes a letter."`
	Profiles  string                   `config:"profiles" doc:"Folder of overlays (NAME.yaml) that partners' profiles name; \"\" is profiles/ in the data folder."`
	Maps      string                   `config:"maps" doc:"Folder of the maps that partners name; \"\" is maps/ in the data folder."`
	Partners  map[string]PartnerConfig `config:"partners" doc:"Trading partners by the name of their folder."`
}

// PartnerConfig is what is agreed with one partner.
type PartnerConfig struct {
	Qualifier    string            `config:"qualifier" doc:"His ISA05."`
	ID           string            `config:"id" doc:"His ISA06 and GS02."`
	OurQualifier string            `config:"our_qualifier" doc:"Our ISA05."`
	OurID        string            `config:"our_id" doc:"Our ISA06 and GS02."`
	Version      string            `config:"version" doc:"GS08 of what we send."`
	Usage        string            `config:"usage" doc:"ISA15: P production, T test."`
	Charset      string            `config:"charset" doc:"Of what goes to the partner by X12: utf-8 or latin-1."`
	Owner        string            `config:"owner" doc:"Whose goods he orders; \"\" takes the code of N1*DE."`
	Facilities   map[string]string `config:"facilities" doc:"His code of a building (N1*WH) to ours; empty takes any."`
	UOM          map[string]string `config:"uom" doc:"His unit codes to units of our items."`
	Policy       string            `config:"policy" doc:"partial or all_or_nothing."`
	Type         string            `config:"order_type" doc:"Type of all of the partner's orders; \"\" is BEG-02 of an 850."`
	Zone         string            `config:"zone" doc:"IANA zone of the days in his documents."`
	AcceptErrors bool              `config:"accept_errors" doc:"Work on sets with errors in elements, and say so in the 997."`
	Reject       string            `config:"reject" doc:"What goes with a rejected set: set alone, its group or its interchange."`
	Acknowledge  string            `config:"acknowledge" doc:"997 or 999 for his groups."`
	Overlay      string            `config:"profile" doc:"Overlay that his documents are checked by; \"\" is none."`
	Maps         map[string]string `config:"maps" doc:"Maps (files) that translate his sets and messages, by ST01 or message type."`
	OutboundMaps map[string]string `config:"outbound_maps" doc:"Maps (files) that change the sets and messages that are sent to him, by ST01 or message type."`
	Answers      bool              `config:"answers" doc:"Send an 855 for each 850 and 860, an ORDRSP for each ORDERS and ORDCHG."`
	Advise       bool              `config:"application_advice" doc:"Send an 824 (APERAK) for each document that nobody can work on."`
	Window       string            `config:"window" doc:"When he takes documents each day, in his zone (08:00-18:00); \"\" is always."`
	Rate         int               `config:"rate" doc:"Documents a minute that he takes; 0 is any number."`
	Batches      []BatchConfig     `config:"batches" doc:"Documents of ours that wait for others, to leave in one interchange with them."`
	Tap          bool              `config:"tap" doc:"Copy each document that left for him to audit-events."`
	Invoices     bool              `config:"invoices" doc:"Send an 810 (INVOIC) for each shipment of an order that came by 850 (ORDERS), at the prices of its lines."`
	SCAC         string            `config:"scac" doc:"His SCAC, if he is a carrier: loads can be tendered to him by 204, and his 990, 214 and 210 are taken."`
	Tenders      string            `config:"tenders" doc:"What becomes of a 204 of his, which tenders a load to us: ask (paklog tenders accept or decline), accept or decline; the answer is a 990."`
	Runs         []string          `config:"runs" doc:"Buildings of ours that he runs, a 3PL: he is sent a 940 for each order in them and a 943 for each receipt; his 945 and 944 say what became of them."`
	Reports      time.Duration     `config:"reports_within" doc:"How long after an order in them was to leave, or a receipt to come, his 945 or 944 may take before it is a letter; 0 is any time."`
	Currency     string            `config:"currency" doc:"ISO 4217 code of prices, rates and charges in documents of his, and ours to him, that name none; empty is USD."`
	ShipTo       []string          `config:"ship_to" doc:"Roles (N101; DP is ST, IV is BT) of who is shipped to, best first; empty is ST, CN, UC and then BY."`
	SCACs        map[string]string `config:"scacs" doc:"Our carriers (ups), or carrier and service (fedex FEDEX_GROUND), to SCACs, beside the usual ones."`
	ShipNotice   string            `config:"ship_notice" doc:"What tells him that his orders have left: 945, 856 or both; 850 are told by 856 alone."`
	NoticeLevels string            `config:"ship_notice_levels" doc:"Levels of an 856: SOPI (with cartons) or SOI."`
	Notices      []string          `config:"notices" doc:"Owners of whose shipments he gets a 945, whoever ordered."`
	Stock        StockConfig       `config:"stock" doc:"What he is told of the stock of owners."`
	Reasons      map[string]string `config:"reasons" doc:"Our reasons of adjustments and holds to his codes (W19-01 of a 947), beside the usual ones."`
	EDIFACT      EDIFACTConfig     `config:"edifact"`
	AS2          AS2PartnerConfig  `config:"as2" doc:"His station, if he speaks AS2."`
	SFTP         SFTPConfig        `config:"sftp"`
	Login        LoginConfig       `config:"login"`
	FTPS         FTPSConfig        `config:"ftps"`
	PGP          PGPPartnerConfig  `config:"pgp"`
	HandsOn      HandsOnConfig     `config:"hands_on" doc:"Another partner whose door his documents leave by, too."`
}

// HandsOnConfig chains a partner's door to another's.
type HandsOnConfig struct {
	To   string `config:"to" doc:"Partner whom his documents go to as they came, by AS2, into a mailbox or folder, as is agreed with that one; \"\" is none. Two partners may name each other."`
	Only bool   `config:"only" doc:"The hub does not work on them itself, and does not acknowledge them."`
}

// StockConfig is what a partner is told of the stock of owners.
type StockConfig struct {
	Of          []string      `config:"of" doc:"Owners of whose stock he is told."`
	Receipts    bool          `config:"receipts" doc:"A 944 when a receipt is closed."`
	Adjustments bool          `config:"adjustments" doc:"A 947 for each change that no receipt and no shipment made."`
	Every       time.Duration `config:"every" doc:"Time between two 846 of all stock; 0 is none."`
	Within      time.Duration `config:"within" doc:"How long a change waits for others before an 846 tells of them; 0 is none."`
	EDIFACT     bool          `config:"edifact" doc:"Tell it by RECADV and INVRPT instead of 944, 947 and 846."`
}

func (c StockConfig) validate() error {
	var errs []error
	for i, owner := range c.Of {
		errs = append(errs, goodName(fmt.Sprintf("stock.of[%d]", i), owner))
	}
	if told := c.Receipts || c.Adjustments || c.Every != 0 || c.Within != 0; told && len(c.Of) == 0 {
		errs = append(errs, errors.New("stock.of: name the owners of whose stock he is to be told"))
	}
	for _, x := range []struct {
		name string
		d    time.Duration
	}{{"stock.every", c.Every}, {"stock.within", c.Within}} {
		if x.d != 0 && x.d < time.Minute {
			errs = append(errs, fmt.Errorf("%s: %s is less than a minute; 0 is none", x.name, x.d))
		}
	}
	return errors.Join(errs...)
}

// EDIFACTConfig is how one partner and we write EDIFACT; whether he does shows in what he sends.
type EDIFACTConfig struct {
	Qualifier    string `config:"qualifier" doc:"His, in UNB (0007): 14 is a GLN; \"\" is none."`
	OurQualifier string `config:"our_qualifier" doc:"Ours."`
	Syntax       string `config:"syntax" doc:"Syntax identifier and version of what we send, as UNOC:3."`
	Directory    string `config:"directory" doc:"Directory of what we send: D96A or D01B."`
	Runs         bool   `config:"runs" doc:"He is told of orders in buildings that he runs by ORDERS and ORDCHG and of receipts by DESADV, instead of 940 and 943; his DESADV and RECADV say what became of them."`
	Contrl       bool   `config:"contrl" doc:"Ask for a CONTRL for each document of ours, and watch that it comes."`
}

// SetDefaults fills what most partners agree on.
func (c *PartnerConfig) SetDefaults() {
	c.Qualifier, c.OurQualifier, c.OurID, c.Version, c.Usage, c.Charset = "ZZ", "ZZ", "PAKLOG", "004010", "P", charsetUTF8
	c.Policy, c.Zone, c.Answers = "partial", "UTC", true
	c.Reject, c.Acknowledge = "set", "997"
	c.Tenders = routes.TendersAsked
	c.ShipNotice, c.NoticeLevels = routes.ByAdvice, x12wms.LevelsPacked
	c.Reports = 48 * time.Hour
	c.EDIFACT.Syntax, c.EDIFACT.Directory = "UNOC:3", "D96A"
	c.AS2.setDefaults()
	c.PGP.setDefaults()
	c.FTPS.setDefaults()
	c.SFTP.Poll, c.SFTP.Timeout = 30*time.Second, 30*time.Second
}

// HookConfig is one sender of webhooks.
type HookConfig struct {
	Secret    configs.Secret `config:"secret" doc:"Standard Webhooks secret (whsec_...): give secret_file, or ${NAME}."`
	OldSecret configs.Secret `config:"old_secret" doc:"The secret before, while it is being rotated."`
	Owner     string         `config:"owner" doc:"Whose orders it sends."`
	Facility  string         `config:"facility" doc:"\"\" is the hub's."`
}

// CarriersConfig is who ships.
type CarriersConfig struct {
	UPS   CarrierConfig `config:"ups"`
	FedEx CarrierConfig `config:"fedex"`
	USPS  USPSConfig    `config:"usps"`
}

// CarrierConfig is an account at a carrier.
type CarrierConfig struct {
	URL          string         `config:"url" doc:"Where the carrier listens. \"\" is nowhere: nothing is shipped with it."`
	ClientID     string         `config:"client_id"`
	ClientSecret configs.Secret `config:"client_secret" doc:"Give client_secret_file, or ${NAME}."`
	Account      string         `config:"account" doc:"Who pays: six characters at UPS, nine digits at FedEx, the Enterprise Payment account at USPS."`
	Aliases      []string       `config:"aliases" doc:"Other names that orders call it by: SCAC codes and the like."`
	Service      string         `config:"service" doc:"Service bought where the order names none, in the carrier's own code; \"\" asks for prices."`
	Timeout      time.Duration  `config:"timeout" doc:"Deadline of one call."`
	ResolveAfter time.Duration  `config:"resolve_after" doc:"How long past a lost call's deadline the carrier's \"not found\" is believed."`
	Confirm      string         `config:"confirm" doc:"When a carton counts as shipped: label, manifest or load."`
	ManifestAt   string         `config:"manifest_at" doc:"When the day's manifest is closed, as 18:00 in the building's zone; \"\" is at midnight."`
}

// USPSConfig is an account at USPS, which wants to know more of who mails.
type USPSConfig struct {
	CarrierConfig

	CRID         string `config:"crid" doc:"Customer registration ID of the business at its place."`
	MID          string `config:"mid" doc:"Mailer ID whose tracking numbers are used: six or nine digits."`
	ManifestMID  string `config:"manifest_mid" doc:"Mailer ID of the manifest; \"\" is mid."`
	CallsPerHour int    `config:"calls_per_hour" doc:"Calls that USPS takes of each of its services."`
}

// account is a carrier that is configured, by the name of its connection.
type account struct {
	name string
	CarrierConfig
}

// accounts are the carriers that have an address.
func (c CarriersConfig) accounts() []account {
	all := []account{{"ups", c.UPS}, {"fedex", c.FedEx}, {"usps", c.USPS.CarrierConfig}}
	return slices.DeleteFunc(all, func(a account) bool { return a.URL == "" })
}

// DeskConfig is how people mend what failed.
type DeskConfig struct {
	ApproveAbove int  `config:"approve_above" doc:"A replay of more letters than this waits until somebody other than its author approves of it; 0 is never. Needs an API key."`
	EditAlone    bool `config:"edit_alone" doc:"A message that was edited goes without a second person. Where it is not set, its author's API key is not that of who approves of it."`
}

// LimitsConfig protects the hub.
type LimitsConfig struct {
	MaxDocument int64         `config:"max_document,bytes" doc:"Largest EDI file; a larger one goes to refused/."`
	FreeDisk    int           `config:"free_disk_percent" doc:"Below this share of free disk the doors refuse; negative is never."`
	Probe       time.Duration `config:"probe" doc:"Longest time between two tries of a partner that is down."`
	Drain       time.Duration `config:"drain" doc:"How long a stop waits for work under way."`
}

func defaults() *Config {
	return &Config{
		Data: "data", Store: inSQLite, Postgres: PostgresConfig{Schema: "paklog", Readers: 8, Patience: time.Minute, Lapse: 6 * time.Second}, Bus: busJournal, Kafka: KafkaConfig{Partitions: 12, Read: KafkaReadConfig{Group: "hub"}},
		Queue: busJournal, RabbitMQ: RabbitConfig{Prefix: "paklog.", Prefetch: 100, DeliveryLimit: 20}, Tenant: "main", Owner: "OWNER", Facility: "DC1",
		HTTP: HTTPConfig{Listen: "127.0.0.1:8080"},
		Log:  LogConfig{Level: "info", Format: "text", Access: AccessLogConfig{MaxSize: 100 << 20, Every: 24 * time.Hour, Keep: 30 * 24 * time.Hour, Gzip: true}},
		Warehouse: WarehouseConfig{
			WaveOrders: 50, WaveWait: 10 * time.Second, WaveUrgent: time.Hour, Batches: batchDefaults(), Labour: labourDefaults(), TaskLease: 10 * time.Minute, Past: routes.PastHold, Recounts: 1, Over: receiving.RefuseOver, Blind: true, PromiseAt: promiseAtPutAway, SSCCPrefix: "0614141",
			ShipFrom: AddressConfig{Name: "PakLog DC1", Street: "1 Dock Street", City: "Louisville", Region: "KY", PostalCode: "40202", Country: "US", Phone: "5025550100"},
			Boxes: []BoxConfig{
				{Name: "S", Length: 250, Width: 200, Height: 150, MaxWeight: 10_000, Tare: 150},
				{Name: "M", Length: 400, Width: 300, Height: 250, MaxWeight: 20_000, Tare: 300},
				{Name: "L", Length: 600, Width: 400, Height: 400, MaxWeight: 30_000, Tare: 600},
			},
			Tasks: defaultTasks(),
			Pack:  PackConfig{Verify: routes.VerifyTrust},
		},
		AS2:  AS2Config{MaxMessage: 64 << 20, AtOnce: 32, Receipt: 15 * time.Minute},
		EDI:  EDIConfig{Poll: time.Second, Patience: 5 * time.Minute, AckWithin: 24 * time.Hour},
		SFTP: SFTPServerConfig{Quota: 1 << 30, Conns: 200, Rate: 300},
		Carriers: CarriersConfig{
			UPS:   CarrierConfig{Aliases: []string{"UPS", "UPSN", "UPGN"}, Service: "03", Timeout: 30 * time.Second, ResolveAfter: 2 * time.Minute, Confirm: routes.AtLabel},
			FedEx: CarrierConfig{Aliases: []string{"FEDEX", "FDE", "FDEG"}, Service: "FEDEX_GROUND", Timeout: 30 * time.Second, ResolveAfter: 30 * time.Minute, Confirm: routes.AtLabel},
			USPS: USPSConfig{
				CarrierConfig: CarrierConfig{Aliases: []string{"USPS"}, Service: "USPS_GROUND_ADVANTAGE", Timeout: 30 * time.Second, ResolveAfter: 2 * time.Minute, Confirm: routes.AtLabel},
				CallsPerHour:  60,
			},
		},
		Limits: LimitsConfig{MaxDocument: 64 << 20, FreeDisk: 5, Probe: 5 * time.Second, Drain: 25 * time.Second},
	}
}

// load reads the file, or the embedded default when there is none, and the environment.
func load(path string) (*Config, *configs.Applied, error) {
	c := defaults()
	applied, err := configs.Loader{Env: os.Environ()}.Load(path, c)
	if err != nil {
		return nil, nil, err
	}
	c.applied, c.again = applied, func() (*Config, error) { next, _, err := load(path); return next, err }
	return c, applied, nil
}
