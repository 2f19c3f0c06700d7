#!/usr/bin/perl
# 7-mixed - all that tamis changes of a header at once, between two other milters, behind a real Postfix: the bytes
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Filter;
use Tamis::Guard qw(run_command slurp spew temp_dir);
use Tamis::NameServer qw(name_server_missing);
use Tamis::Postfix qw(postfix_missing);
use Tamis::Smtp;
use Test::More;

alarm 200;
if (my $why = postfix_missing() // name_server_missing()) {
    plan skip_all => $why;
}

my $dir = temp_dir();
my ($made, undef, $trouble) = run_command([$ENV{TAMIS} // './tamis', 'dkim', 'genkey', '-d', 'sign.example', '-s', 'k', '-t', 'ed25519', '-D', $dir]);
is($made, 0, 'a key') or BAIL_OUT($trouble);
my $dns = Tamis::NameServer->new(zones => { 'sign.example' => slurp("$dir/k.txt") . '@ TXT "v=spf1 ip4:192.0.2.1 -all"' . "\n", '.' => '' })->start;

# The one in front and the one behind: what any milter does.
sub other {
    my ($name, $rules) = @_;
    return Tamis::Filter->new(files => { hc => $rules }, conf => "header_checks = regexp:hc\n"
            . "sender_restrictions = check_sender_access static:{PREPEND X-Top-$name: t}\n",
        set => { mode => 'enforce', authentication_results => '', mynetworks => '10.0.0.0/8', myhostname => "$name.example" });
}
my $front = other('front', <<'RULES');
/^X-Front-Add:/    PREPEND X-From-Front: f
/^X-Front-Gone:/   IGNORE
/^X-Front-Name:/   REPLACE X-Same: by front
/^Authentication-Results:.*front/ REPLACE Authentication-Results: mx.test.example; spf=pass (front)
RULES
my $behind = other('behind', <<'RULES');
/^X-Ours:/         REPLACE X-Behind: saw ours
/^X-Same: one/     PREPEND X-Behind-Above: 1
/^X-Behind-Gone:/  IGNORE
/^x-same: three/   PREPEND X-Never: 1
RULES
my $ours = Tamis::Filter->new(files => { hc => <<'RULES' }, conf => "header_checks = regexp:hc\n",
/^X-Same: two/       REPLACE X-Same: <two>
/^X-Same: three/     IGNORE
/^X-Same: by front/  PREPEND X-Ours: saw front
/^X-From-Front: (.*)/ REPLACE X-Seen-Front: $1
/^X-Gone:/           STRIP gone
/^Subject: (.*)/     REPLACE Subject: new $1
/^X-Last:/           PREPEND X-Same: before last
/^Authentication-Results: other/ PREPEND X-Other-Results: below
RULES
    set => { mode => 'enforce', dns_servers => $dns->server, myhostname => 'mx.test.example', mydomain => 'sign.example',
        myorigin => 'sign.example', mynetworks => '10.0.0.0/8',
        authentication_results => 'spf', received_spf_header => 'yes', outgoing_hide_client => 'yes',
        signing_key => "sign.example:k:$dir/k.private" });
ok($_->start, 'tamis starts') or BAIL_OUT($_->stderr) for $front, $ours, $behind;

my @all = map { $_->milter } $front, $ours, $behind;
my $postfix = Tamis::Postfix->new(milters => $ours->milter, submission => {},
    listeners => { front => { smtpd_milters => "@all[0, 1]" }, behind => { smtpd_milters => "@all[1, 2]" }, both => { smtpd_milters => "@all" } });
ok($postfix->start, 'Postfix starts');

my $mail = <<'END';
Authentication-Results: mx.test.example; spf=pass
Received: from x.example by y.example; Mon, 1 Jan 2024 00:00:00 +0000
X-Same: one
X-Front-Gone: 1
X-Same: two
X-Front-Add: 1
X-Front-Name: 1
X-Gone: 1
x-same: three
Authentication-Results: other.example;
	spf=pass
AUTHENTICATION-RESULTS: MX.test.example 1;
 dkim=pass
X-Behind-Gone:1
Authentication-Results: front
From: A <a@sign.example>
To: c@d.example
Date: Mon, 1 Jan 2024 00:00:00 +0000
Message-Id: <1@sign.example>
Subject: old
 folded
X-Last:	l
END

# What tamis alone makes of it, from the second Received down, as a table: what came, what became of it.
my %became = (
    'X-Same: two' => 'X-Same: <two>', 'x-same: three' => '', 'X-Gone: 1' => '', "Subject: old\n folded" => "Subject: new old\n folded",
    "X-Last:\tl" => "X-Same: before last\nX-Last:\tl", 'Authentication-Results: mx.test.example; spf=pass' => '',
    "AUTHENTICATION-RESULTS: MX.test.example 1;\n dkim=pass" => '',
    "Authentication-Results: other.example;\n\tspf=pass" => "X-Other-Results: below\nAuthentication-Results: other.example;\n\tspf=pass",
);
my %front = ('X-Front-Add: 1' => "X-Seen-Front: f\nX-Front-Add: 1", 'X-Front-Gone: 1' => '',
    'X-Front-Name: 1' => "X-Ours: saw front\nX-Same: by front", 'Authentication-Results: front' => '');
my %behind = ('X-Behind-Gone:1' => '', 'X-Same: one' => "X-Behind-Above: 1\nX-Same: one");
my %both = (%front, %behind, 'X-Front-Name: 1' => "X-Behind: saw ours\nX-Same: by front");

sub rest {
    my (%more) = @_;
    my %what = (%became, %more);
    return join '', map { my $field = $_; map { length ? "$_\n" : () } $what{$field} // $field } $mail =~ /(\S.*(?:\n[ \t].*)*)\n/g;
}

my $n = 0;

sub delivered {
    my ($listener, %client) = @_;
    my $to = 'to' . ++$n . '@d.example';
    my $said = Tamis::Smtp->play(port => $postfix->port($listener), client => { name => undef, addr => '192.0.2.1', %client },
        ehlo => 'helo.example', mail => '<a@sign.example>', rcpt => ["<$to>"], message => "$mail\nbody\n");
    my $got = $postfix->sink->mail_of($to) or return "nothing: $said->{end}";
    return masked($got->{message}, $to);
}

sub masked {
    my ($text, $to) = @_;
    my ($header) = $text =~ s/\r\n/\n/gr =~ /\A(.*?\n)\n/s;
    $header =~ s/\Q$to\E/RCPT/;
    $header =~ s/\bid [0-9A-Za-z]{6,}/id ID/;
    $header =~ s/from userid \d+\)/from userid UID)/;
    $header =~ s/[A-Z][a-z]{2}, [ \d]\d [A-Z][a-z]{2} 20(?!24)\d\d \d\d:\d\d:\d\d [-+]\d{4} \([-+\w]+\)/DATE/;
    $header =~ s/^(DKIM-Signature: v=1; a=ed25519-sha256;).*\n(?:[ \t].*\n)*/$1 ...\n/mg;
    return $header;
}

my $own = "Received: from helo.example (unknown [192.0.2.1])\n\tby mx.test.example (Postfix) with ESMTP id ID\n\tfor <RCPT>; DATE\n";
my $results = "Authentication-Results: mx.test.example;\n\tspf=none smtp.helo=helo.example;\n"
    . "\tspf=pass smtp.mailfrom=sign.example\n";
my $spf = "Received-SPF: pass (mx.test.example: 192.0.2.1 is allowed to send for sign.example)\n\tclient-ip=192.0.2.1;\n"
    . "\tenvelope-from=\"a\@sign.example\";\n\thelo=helo.example;\n\treceiver=mx.test.example;\n\tidentity=mailfrom;\n"
    . "\tmechanism=\"ip4:192.0.2.1\"\n";
my $hidden = "Received: from\n\t[127.0.0.1] (localhost [127.0.0.1])\n\tby mx.test.example (Postfix) with ESMTPA id ID\n\tfor <RCPT>; DATE\n";
my $signed = "DKIM-Signature: v=1; a=ed25519-sha256; ...\n";
my %login = (login => 'joe');

# A milter behind is shown the Received field that stands for Postfix's own, and Postfix does not
# count it: what it inserts comes one field lower (outgoing_hide_client in milter.conf(5)).
my %low = (%behind, 'X-Same: one' => "X-Same: one\nX-Behind-Above: 1");
my %low_both = (%both, %low, 'X-Front-Name: 1' => "X-Same: by front\nX-Behind: saw ours");
my ($first, $last) = ("X-Top-front: t\n", "X-Top-behind: t\n");

is(delivered('smtp'), "$results$spf$own" . rest(), 'incoming, alone');
is(delivered('front'), "$results$spf$first$own" . rest(%front), 'incoming, behind another');
is(delivered('behind'), "$last$results$spf$own" . rest(%behind), 'incoming, in front of another');
is(delivered('both'), "$last$results$spf$first$own" . rest(%both), 'incoming, between two');
is(delivered('submission', %login), "$signed$hidden" . rest(), 'outgoing, alone');
is(delivered('behind', %login), "$last$signed$hidden" . rest(%low), 'outgoing, in front of another');
is(delivered('front', %login), "$signed$hidden$first" . rest(%front), 'outgoing, behind another');
is(delivered('both', %login), "$last$signed$hidden$first" . rest(%low_both), 'outgoing, between two');

my $to = 'pickup@d.example';
$postfix->sendmail(['-f', 'a@sign.example', $to], "$mail\nbody\n");
is(masked($postfix->sink->mail_of($to)->{message}, $to),
    "${signed}Received: by mx.test.example (Postfix, from userid UID)\n\tid ID; DATE\n" . rest(), 'sendmail(1)');

# What was signed is what was delivered.
my $signature = spew("$dir/mail", ($postfix->sink->mail_of($to)->{message}) =~ s/\r\n/\n/gr);
my $zone = spew("$dir/zone", "\$ORIGIN sign.example.\n" . slurp("$dir/k.txt"));
my ($status, $said) = run_command([$ENV{TAMIS} // './tamis', qw(dkim verify --zone), $zone, $signature]);
is($status, 0, 'the signature is right') or diag $said;
is($_->stop, 0, 'tamis ends well') for $front, $ours, $behind;
done_testing;
