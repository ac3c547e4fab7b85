package edifact

import "github.com/paklog/hub/edi/finding"

type (
	// Finding is that of both syntaxes.
	Finding = finding.Finding
	// Severity of a finding.
	Severity = finding.Severity
	// AckCodes of an EDIFACT finding are UCI and UCD.
	AckCodes = finding.Ack
)

// Severities and layers under the names that this package's users know.
const (
	Note    = finding.Note
	Warning = finding.Warning
	Error   = finding.Error

	LayerSyntax   = finding.Syntax
	LayerEnvelope = finding.Envelope
	LayerStandard = finding.Standard
	LayerBusiness = finding.Business
)

// Codes of findings are stable: alarms and partner policies are keyed by them.
const (
	CodeNotEDIFACT         = "not-edifact"
	CodeX12                = "x12-not-edifact"
	CodeTRADACOMS          = "tradacoms-not-edifact"
	CodeInteractive        = "interactive-edifact"
	CodeNoise              = "noise"
	CodeBOM                = "byte-order-mark"
	CodeNoEnvelope         = "no-envelope"
	CodeUNAMalformed       = "una-malformed"
	CodeUNBMalformed       = "unb-malformed"
	CodeUNBElement         = "unb-element"
	CodeTerminatorGuessed  = "terminator-guessed"
	CodeUnterminated       = "segment-unterminated"
	CodeEmptySegment       = "segment-empty"
	CodeBadTag             = "segment-tag"
	CodeLimit              = "segment-limit"
	CodeMessageLimit       = "message-limit"
	CodeInnerBreak         = "line-break-in-data"
	CodeCharset            = "character-repertoire"
	CodeUTF8               = "utf8-undeclared"
	CodeStray              = "segment-outside-message"
	CodeObject             = "object-length"
	CodeMissingUNT         = "unt-missing"
	CodeMissingUNP         = "unp-missing"
	CodeMissingUNE         = "une-missing"
	CodeMissingUNZ         = "unz-missing"
	CodeSegmentCount       = "unt-count"
	CodeMessageReference   = "unt-reference"
	CodeReferenceMissing   = "unh-reference-missing"
	CodeReferenceRepeated  = "unh-reference-repeated"
	CodeTypeMissing        = "unh-type-missing"
	CodePackageReference   = "unp-reference"
	CodeGroupReference     = "une-reference"
	CodeMessageCount       = "une-count"
	CodeGroupMixed         = "group-type"
	CodeMixed              = "group-mixed"
	CodeInterchangeCount   = "unz-count"
	CodeInterchangeControl = "unz-reference"
	CodeEmptyInterchange   = "interchange-empty"
	CodeTooManyFindings    = "findings-suppressed"
)
