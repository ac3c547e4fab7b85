package x12

import "github.com/paklog/hub/edi/finding"

type (
	// Finding is that of both syntaxes.
	Finding = finding.Finding
	// Severity of a Finding.
	Severity = finding.Severity
	// Layer of the rule that was broken.
	Layer = finding.Layer
	// AckCodes of a Finding.
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
	LayerPartner  = finding.Partner
	LayerBusiness = finding.Business
)

// Codes of findings are stable: alarms and partner policies are keyed by them.
const (
	CodeNotX12             = "not-x12"
	CodeEDIFACT            = "edifact-not-x12"
	CodeTRADACOMS          = "tradacoms-not-x12"
	CodeInteractive        = "interactive-edifact"
	CodeNoEnvelope         = "no-envelope"
	CodeNoise              = "noise"
	CodeBOM                = "byte-order-mark"
	CodeISALength          = "isa-length"
	CodeISAMalformed       = "isa-malformed"
	CodeISAElement         = "isa-element"
	CodeNoComponent        = "no-component-separator"
	CodeDelimiterClash     = "delimiter-clash"
	CodeUnterminated       = "segment-unterminated"
	CodeEmptySegment       = "segment-empty"
	CodeBadTag             = "segment-tag"
	CodeInnerBreak         = "line-break-in-data"
	CodeBinary             = "binary-length"
	CodeLimit              = "segment-limit"
	CodeSetLimit           = "set-limit"
	CodeStray              = "segment-outside-set"
	CodeSetOutsideGroup    = "set-outside-group"
	CodeMissingSE          = "se-missing"
	CodeMissingGE          = "ge-missing"
	CodeMissingIEA         = "iea-missing"
	CodeSegmentCount       = "se01-count"
	CodeSetControl         = "se02-control"
	CodeSetControlMissing  = "st02-missing"
	CodeSetControlRepeated = "st02-repeated"
	CodeSetControlBad      = "st02-value"
	CodeSetIDMissing       = "st01-missing"
	CodeSetCount           = "ge01-count"
	CodeGroupControl       = "ge02-control"
	CodeGroupControlBad    = "gs06-value"
	CodeGroupRepeated      = "gs06-repeated"
	CodeGroupVersion       = "gs08-missing"
	CodeGroupElement       = "gs-element"
	CodeSurplus            = "envelope-surplus"
	CodeGroupCount         = "iea01-count"
	CodeInterchangeControl = "iea02-control"
	CodeTooManyFindings    = "findings-suppressed"
)

// Worst is [finding.Worst].
func Worst(findings []Finding) Severity { return finding.Worst(findings) }

func clip(b []byte) string { return finding.Clip(b) }

// SplitRef is [finding.SplitRef].
func SplitRef(ref string) (id string, element, component int) { return finding.SplitRef(ref) }
