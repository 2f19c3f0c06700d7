#!/usr/bin/perl
# 2-check-spf - rules on SPF and iprev as they are read: names, stages, what tamis check says of them
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Session;
use Test::More;

alarm 60;

my @spf = qw(none neutral pass fail softfail temperror permerror);

# What is said about a configuration, a line each without its place; and the exit status.
sub check {
    my ($conf) = @_;
    my $path = write_file('milter.conf', "postfix_config_directory =\n$conf\n");
    my ($out, $err, $status) = run_tamis('', 'check', '-c', $path);
    my @said = map { s/^\S*?milter\.conf:\d+: //r } split /\n/, $err;
    return ($status, @said);
}

sub says {
    my ($conf, $status, @want) = @_;
    my ($got, @said) = check($conf);
    is($got, $status, "$conf: status");
    is_deeply(\@said, \@want, "$conf: what is said");
}

# --- names and stages
my @all = map {
    my $action = $_;
    (map { ("${action}_spf_$_", "${action}_helo_spf_$_") } @spf),
    (map { "${action}_iprev_$_" } qw(none pass fail temperror permerror))
} qw(permit reject defer hold);
is(scalar @all, 76, 'four actions, nineteen results');
my ($status, @said) = check("spf_exempt_networks =\nrecipient_restrictions = " . join(', ', @all));
is($status, 0, 'all names are known');
is_deeply([grep { /nobody|judged/ } @said], [], 'none is skipped');

my $early = 'is asked before its subject is known: move it to a later list, or set delay_reject = yes';
for my $name (qw(reject_spf_fail permit_spf_pass hold_helo_spf_fail hold_iprev_fail)) {
    my ($status, @said) = check("delay_reject = no\nspf_exempt_networks =\nhelo_restrictions = $name");
    is($status, 78, "$name before MAIL cannot be used");
    is($said[0], "error: helo_restrictions: $name: $early", "$name: said why");
}
says("delay_reject = no\nclient_restrictions = reject_helo_spf_fail", 78,
    "error: client_restrictions: reject_helo_spf_fail: $early");
says("delay_reject = no\nclient_restrictions = reject_iprev_fail\nhelo_restrictions = reject_helo_spf_fail", 0);
says("delay_reject = no\nhelo_restrictions = check_spf_access inline:{ a=OK }", 78,
    "error: helo_restrictions: check_spf_access: $early");
for my $name (qw(reject_spf_policy accept_spf_pass reject_spf_ reject_spf_failed)) {
    my ($status, @said) = check("sender_restrictions = $name");
    is($status, 78, "$name is unknown");
    like($said[0], qr/^error: sender_restrictions: \Q$name\E: nobody knows this restriction/, "$name: said so");
}
says('sender_restrictions = reject_spf_fial', 78,
    'error: sender_restrictions: reject_spf_fial: nobody knows this restriction: did you mean reject_spf_fail?');
for (['reject_helo_spf', 'reject_helo_spf_fail'], ['reject_spf', 'reject_spf_fail'],
    ['permit_dkim', 'permit_dkim_pass'], ['hold_iprev', 'hold_iprev_fail']) {
    my ($name, $meant) = @$_;
    says("recipient_restrictions = $name", 78,
        "error: recipient_restrictions: $name: nobody knows this restriction: did you mean $meant?");
}

# --- permissions
sub anybody {
    return "warning: $_[0]: nothing behind it is asked about anybody who has an SPF record, and spammers have: "
        . 'say for whose domains, with check_spf_access TYPE:TABLE';
}
says('sender_restrictions = permit_spf_pass, reject_plaintext_session', 0, anybody('permit_spf_pass'));
says('sender_restrictions = permit_helo_spf_pass, reject_plaintext_session', 0, anybody('permit_helo_spf_pass'));
says('sender_restrictions = permit_spf_none, reject_plaintext_session', 0,
    'warning: permit_spf_none: nothing behind it is asked about anybody who has no SPF record or a loose one, '
    . 'which everybody can arrange: leave it out');
says('sender_restrictions = reject_plaintext_session, permit_spf_pass', 0);
says("restriction_classes = vouched\nvouched = permit_spf_pass, reject\n"
    . 'sender_restrictions = check_sender_access inline:{ a.example=vouched }, reject_plaintext_session', 0);
says('sender_restrictions = check_spf_access inline:{ a.example=OK }, reject_plaintext_session', 0);

# --- forwarders
sub forwarders {
    return "warning: $_[0]: refuses mail that another host forwards to yours with its first sender, too: "
        . 'name such hosts in spf_exempt_networks (if there are none, set it to nothing)';
}
says('sender_restrictions = reject_spf_fail', 0, forwarders('reject_spf_fail'));
says('sender_restrictions = reject_spf_fail, reject_spf_softfail', 0, forwarders('reject_spf_fail'));
says('sender_restrictions = defer_spf_softfail', 0, forwarders('defer_spf_softfail'));
says("spf_exempt_networks =\nsender_restrictions = reject_spf_fail", 0);
says("spf_exempt_networks = 192.0.2.1\nsender_restrictions = reject_spf_fail", 0);
says('sender_restrictions = reject_helo_spf_fail, hold_spf_fail, warn_if_reject reject_spf_fail, reject_spf_permerror', 0);

# --- what refuses most mail
says('sender_restrictions = reject_spf_none', 0,
    'warning: reject_spf_none: refuses much honest mail: RFC 7208 wants neutral and none taken alike, as no answer');
says('sender_restrictions = defer_helo_spf_none', 0,
    'warning: defer_helo_spf_none: refuses much honest mail: few hosts have an SPF record for their HELO name');
says('sender_restrictions = reject_spf_pass', 0,
    'warning: reject_spf_pass: refuses much honest mail: pass means that the client may send for this domain');

# --- policy services
says('recipient_restrictions = check_policy_service unix:private/policyd-spf, reject_spf_fail
spf_exempt_networks =', 0,
    'note: recipient_restrictions: check_policy_service: skipped here; if it judges SPF, write reject_spf_fail and reject_helo_spf_fail in its place (tamis-rules(5)), and take it out of main.cf');
says('recipient_restrictions = check_policy_service inet:127.0.0.1:10031', 0,
    'note: recipient_restrictions: check_policy_service: stays in Postfix (keep it in main.cf); skipped here');

# --- tables and lists
my $table = write_file('spf', "a.example OK\nb\@c.example OK\n\@d.example REJECT\n");
my ($st, @of_table) = do {
    my $path = write_file('milter.conf',
        "postfix_config_directory =\nsender_restrictions = check_spf_access texthash:$table\n");
    my ($out, $err, $status) = run_tamis('', 'check', '-c', $path);
    ($status, map { s/^.*?spf:/spf:/r } split /\n/, $err);
};
is($st, 0, 'a table with keys that do not match: usable');
is_deeply(\@of_table, [
    'spf:2: warning: b@c.example: this key never matches: it is a domain that is looked up: write c.example',
    'spf:3: warning: @d.example: this key never matches: it is a domain that is looked up: write d.example',
], 'keys are domains');
says('spf_exempt_networks = 192.0.2.1/24', 78,
    'error: "192.0.2.1/24": bits set in the host part; did you mean 192.0.2.0/24?');
says('spf_exempt_networks = /nonexistent/list', 78, 'error: /nonexistent/list: no such file; create it or correct its name');

done_testing();
