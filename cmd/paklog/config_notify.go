package main

import (
	"errors"
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"time"

	"github.com/paklog/hub/adapters/notifier"
	"github.com/paklog/hub/configs"
	"github.com/paklog/hub/core/notify"
	"github.com/paklog/hub/routes"
)

// NotificationsConfig is who hears of what, and how.
type NotificationsConfig struct {
	Channels map[string]ChannelConfig `config:"channels" doc:"Ways to people, by name."`
	Rules    map[string]RuleConfig    `config:"rules" doc:"Who hears of what, by name."`
}

// Kinds of channels.
const (
	channelMail = "mail"
	channelHook = "webhook"
	channelChat = "chat"
)

// ChannelConfig is a way to people.
type ChannelConfig struct {
	Kind     string         `config:"kind" doc:"mail, webhook or chat."`
	URL      string         `config:"url" doc:"Of mail: smtp://host:587 or smtps://host:465. Of a webhook: where it is posted to."`
	Room     configs.Secret `config:"room" doc:"Of a chat: the address of its incoming webhook. Give room_file, or ${NAME}."`
	From     string         `config:"from" doc:"Of mail: name <address>."`
	User     string         `config:"user" doc:"Of mail; \"\" logs in nowhere."`
	Password configs.Secret `config:"password" doc:"Give password_file, or ${NAME}."`
	Secret   configs.Secret `config:"secret" doc:"Of a webhook: what the other side verifies by (Standard Webhooks). Give secret_file, or ${NAME}."`
	Timeout  time.Duration  `config:"timeout" doc:"Of one try; 0 is 30 s."`
}

// RuleConfig tells somebody of something.
type RuleConfig struct {
	On       []string            `config:"on" doc:"packed, shipped, exception, letters."`
	To       string              `config:"to" doc:"customer, partner or staff."`
	Channel  string              `config:"channel" doc:"Name of one."`
	Owners   []string            `config:"owners" doc:"Whose orders; none is all."`
	Staff    []string            `config:"staff" doc:"Mail addresses, where it is to staff."`
	Partners map[string][]string `config:"partners" doc:"Mail addresses by the partner who sent the order."`
	Group    time.Duration       `config:"group" doc:"How long others are gathered behind the first; 0 tells each alone."`
	Quiet    string              `config:"quiet" doc:"When nobody is told, as 22:00-07:00; \"\" is never."`
	Zone     string              `config:"zone" doc:"Of quiet; \"\" is UTC."`
	Subject  string              `config:"subject" doc:"Go template; \"\" is ours."`
	Text     string              `config:"text" doc:"Go template; \"\" is ours."`
}

// Validate refuses a channel that leads nowhere.
func (c ChannelConfig) Validate() error {
	_, _, err := c.open("check")
	return err
}

// open makes the channel, which connects nowhere yet, and what closes it.
func (c ChannelConfig) open(name string) (notify.Channel, func() error, error) {
	switch c.Kind {
	case channelMail:
		m, err := notifier.NewMail(notifier.MailConfig{URL: c.URL, From: c.From, User: c.User, Password: c.Password.Reveal, Timeout: c.Timeout})
		return m, func() error { return nil }, err
	case channelHook:
		h, err := notifier.NewHook(name, c.URL, c.Secret.Reveal(), c.Timeout, time.Now)
		if err != nil {
			return nil, nil, err
		}
		return h, h.Close, nil
	case channelChat:
		r, err := notifier.NewChat(name, c.Room.Reveal(), c.Timeout, time.Now)
		if err != nil {
			return nil, nil, err
		}
		return r, r.Close, nil
	}
	return nil, nil, fmt.Errorf("kind: %q is none of %s, %s, %s", c.Kind, channelMail, channelHook, channelChat)
}

// Validate refuses rules that nobody can follow, and addresses that are none.
func (c RuleConfig) Validate() error {
	r, err := c.rule("check")
	errs := []error{err, r.Check()}
	for _, to := range slices.Concat(append(slices.Collect(maps.Values(c.Partners)), c.Staff)...) {
		if _, err := mail.ParseAddress(to); err != nil {
			errs = append(errs, fmt.Errorf("%q is no mail address", to))
		}
	}
	return errors.Join(errs...)
}

func (c RuleConfig) rule(name string) (routes.NotifyRule, error) {
	r := routes.NotifyRule{Name: name, On: c.On, To: c.To, Channel: c.Channel, Owners: c.Owners, Staff: c.Staff, Partners: c.Partners, Group: c.Group}
	var errs []error
	var err error
	if r.Quiet, err = quietHours(c.Quiet, c.Zone); err != nil {
		errs = append(errs, err)
	}
	if r.Wording, err = notify.Word(c.Subject, c.Text); err != nil {
		errs = append(errs, err)
	}
	if c.Group < 0 {
		errs = append(errs, errors.New("group: below nothing"))
	}
	return r, errors.Join(errs...)
}

// quietHours reads 22:00-07:00.
func quietHours(s, zone string) (notify.Quiet, error) {
	var errs []error
	z, err := time.LoadLocation(zone)
	if err != nil {
		errs = append(errs, fmt.Errorf("zone: %w", err))
	}
	if s == "" {
		return notify.Quiet{}, errors.Join(errs...)
	}
	from, to, _ := strings.Cut(s, "-")
	f, err1 := time.Parse("15:04", strings.TrimSpace(from))
	t, err2 := time.Parse("15:04", strings.TrimSpace(to))
	if err1 != nil || err2 != nil || f.Equal(t) {
		errs = append(errs, fmt.Errorf("quiet: %q is not like 22:00-07:00", s))
	}
	if len(errs) > 0 {
		return notify.Quiet{}, errors.Join(errs...)
	}
	return notify.Quiet{From: f.Hour()*60 + f.Minute(), To: t.Hour()*60 + t.Minute(), Zone: z}, nil
}

// Validate refuses rules of channels that are none, and mail that is to nobody.
func (c NotificationsConfig) Validate() error {
	var errs []error
	for name, r := range c.Rules {
		ch, ok := c.Channels[r.Channel]
		switch {
		case !ok:
			errs = append(errs, fmt.Errorf("rules.%s.channel: there is no channel %q", name, r.Channel))
		case ch.Kind != channelMail:
		case r.To == notify.Staff && len(r.Staff) == 0:
			errs = append(errs, fmt.Errorf("rules.%s.staff: nobody is named", name))
		case r.To == notify.Partner && len(r.Partners) == 0:
			errs = append(errs, fmt.Errorf("rules.%s.partners: nobody is named", name))
		}
	}
	return errors.Join(errs...)
}

// notifications hosts what tells people, where somebody is to be told.
func (a *app) notifications(flows *routes.Flows) error {
	cfg := a.cfg.Notifications
	if len(cfg.Rules) == 0 {
		return nil
	}
	var n routes.NotifyConfig
	for _, name := range slices.Sorted(maps.Keys(cfg.Channels)) {
		c := cfg.Channels[name]
		port, end, err := c.open(name)
		if err != nil {
			return fmt.Errorf("notifications.channels.%s: %w", name, err)
		}
		a.close = append(a.close, end)
		n.Channels = append(n.Channels, routes.NotifyChannel{Name: name, Port: port, Mails: c.Kind == channelMail, Timeout: c.Timeout})
	}
	for _, name := range slices.Sorted(maps.Keys(cfg.Rules)) {
		r, err := cfg.Rules[name].rule(name)
		if err != nil {
			return fmt.Errorf("notifications.rules.%s: %w", name, err)
		}
		n.Rules = append(n.Rules, r)
	}
	return routes.AddNotifications(a.hub, flows, n)
}
