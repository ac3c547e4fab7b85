package main

import (
	"strings"
	"testing"
)

func TestNotificationsThatReachNobodyAreRefused(t *testing.T) {
	t.Parallel()
	mail := ChannelConfig{Kind: "mail", URL: "smtp://mail.example:587", From: "wh@example.com"}
	rule := RuleConfig{On: []string{"shipped"}, To: "customer", Channel: "post"}
	with := func(change func(*RuleConfig)) RuleConfig { r := rule; change(&r); return r }
	for name, c := range map[string]struct {
		rule RuleConfig
		says string
	}{
		"fine":              {rule, ""},
		"by night":          {with(func(r *RuleConfig) { r.Quiet, r.Zone = "22:00-07:00", "Europe/Berlin" }), ""},
		"half a night":      {with(func(r *RuleConfig) { r.Quiet = "22:00" }), "not like 22:00-07:00"},
		"no night at all":   {with(func(r *RuleConfig) { r.Quiet = "07:00-07:00" }), "not like"},
		"nowhere's zone":    {with(func(r *RuleConfig) { r.Zone = "Mars/Base" }), "zone"},
		"another's kind":    {with(func(r *RuleConfig) { r.On = []string{"lost"} }), "none of"},
		"letters to staff":  {with(func(r *RuleConfig) { r.On, r.To, r.Staff = []string{"letters"}, "staff", []string{"desk@wh.example"} }), ""},
		"letters to others": {with(func(r *RuleConfig) { r.On = []string{"letters"} }), "told to staff"},
		"letters of owners": {with(func(r *RuleConfig) {
			r.On, r.To, r.Staff, r.Owners = []string{"letters"}, "staff", []string{"desk@wh.example"}, []string{"ACME"}
		}), "leave owners out"},
		"an address":        {with(func(r *RuleConfig) { r.To, r.Staff = "staff", []string{"desk"} }), "no mail address"},
		"staff of nobody":   {with(func(r *RuleConfig) { r.To = "staff" }), "rules.r.staff: nobody is named"},
		"partner of nobody": {with(func(r *RuleConfig) { r.To = "partner" }), "rules.r.partners"},
		"no such channel":   {with(func(r *RuleConfig) { r.Channel = "pigeon" }), `no channel "pigeon"`},
		"a template":        {with(func(r *RuleConfig) { r.Text = "{{.Nothing}}" }), "Nothing"},
		"half a template":   {with(func(r *RuleConfig) { r.Subject = "{{" }), "subject"},
		"time that goes":    {with(func(r *RuleConfig) { r.Group = -1 }), "below nothing"},
	} {
		cfg := NotificationsConfig{Channels: map[string]ChannelConfig{"post": mail}, Rules: map[string]RuleConfig{"r": c.rule}}
		var all []string
		for _, err := range []error{cfg.Validate(), c.rule.Validate(), mail.Validate()} {
			if err != nil {
				all = append(all, err.Error())
			}
		}
		if got := strings.Join(all, "; "); (got == "") != (c.says == "") || !strings.Contains(got, c.says) {
			t.Errorf("%s: %q, want %q", name, got, c.says)
		}
	}
	for _, c := range []ChannelConfig{{Kind: "fax"}, {Kind: "mail"}, {Kind: "webhook", URL: "https://x.example"}, {Kind: "chat"}} {
		if c.Validate() == nil {
			t.Errorf("%s is taken", c.Kind)
		}
	}
}
