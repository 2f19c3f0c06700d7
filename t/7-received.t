#!/usr/bin/perl
# 7-received - outgoing_hide_client: Postfix's own Received field is replaced through a real Postfix
# SPDX-License-Identifier: BSD-2-Clause
#
# What this rests on is not documented by Postfix: with a release that behaves differently this test fails,
# and the parameter must not be used with that release.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use IPC::Open2;
use Tamis::Filter;
use Tamis::Guard qw(run_command);
use Tamis::Postfix qw(postfix_missing);
use Tamis::Smtp;
use Test::More;

alarm 240;
if (my $why = postfix_missing()) {
    plan skip_all => $why;
}

my $filter = Tamis::Filter->new(conf => '');
my $postfix = Tamis::Postfix->new(listeners => { native => { smtpd_milters => '' } },
    params => { inet_protocols => 'all' });
my $rules = $filter->file('rules', <<'RULES');
/^\s*Received: from \S+ \(\S+ \[\S+\]\)(.*)/ REPLACE Received: from [127.0.0.1] (localhost [127.0.0.1])$1
RULES
my $same = $filter->file('same', "/^Received: (.*)/ REPLACE Received: \$1\n");
my $edits = $filter->file('edits', <<'RULES');
/^Received: .*one/   REPLACE X-Was-Received: one
/^Received: .*two/   IGNORE
/^Received: .*three/ PREPEND Received: from above-three by x; y
/^Subject: (.*)/     REPLACE Subject: <$1>
/^X-Gone:/           IGNORE
/^X-Under:/          PREPEND X-Above: a
/^Received: .*/      DUNNO
RULES
my $senders = $filter->file('senders', <<'RULES');
/^pre@/   PREPEND X-Access: first
RULES
my $more = $filter->file('more', "/^pre@/ PREPEND X-Access: second\n");
$filter->set(outgoing_hide_client => 'yes', mynetworks => '203.0.113.0/24, 127.0.0.0/8',
    outgoing => 'sasl_authenticated, mynetworks, local_submission');
ok($filter->start, 'tamis starts') or BAIL_OUT($filter->stderr);
$postfix->{opt}{milters} = $filter->milter;
$postfix->{opt}{smtp} = $postfix->{opt}{submission} = { smtpd_milters => $filter->milter };
$postfix->write_config;
ok($postfix->start, 'Postfix starts');

# Starts the filter again with other parameters.
sub restart {
    my (%set) = @_;
    is($filter->stop, 0, 'tamis ends well');
    $filter->set(outgoing_header_checks => '', sender_restrictions => '', mode => 'enforce', %set);
    ok($filter->start, 'tamis starts: ' . join ' ', map { "$_=" . $set{$_} =~ s{\S*/}{}r } sort keys %set)
        or BAIL_OUT($filter->stderr);
}

my $fixed = "From: a\@b.example\nTo: c\@d.example\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n"
    . "Message-Id: <1\@b>\nSubject: z\n";
my $others = "Received: from one.example (one.example [192.0.2.1])\n\tby x.example; Mon, 1 Jan 2024 00:00:00 +0000\n"
    . "Received: by y.example (two)\n\tid 7;  Mon, 1 Jan 2024 00:00:00 +0000\n"
    . "RECEIVED:from z.example (three)\n";
my $n = 0;

# The header that was delivered, its lines ending in \n; what no test can know is ID, DATE, UID.
sub header_of {
    my ($to, $mail) = @_;
    $mail //= $postfix->sink->mail_of($to) or return 'nothing';
    my ($header) = $mail->{message} =~ /\A(.*?\r\n)\r\n/s;

    $header =~ s/\r\n/\n/g;
    $header =~ s/\bid [0-9A-Za-z]{6,}/id ID/;
    $header =~ s/[A-Z][a-z]{2}, [ \d]\d [A-Z][a-z]{2} 20(?!24)\d\d \d\d:\d\d:\d\d [-+]\d{4} \([-+\w]+\)/DATE/;
    $header =~ s/from userid \d+\)/from userid UID)/;
    return $header;
}

# Sends a mail to an address of its own, returns what was delivered of its header and the address; nothing
# when the recipients are given.
sub deliver {
    my ($listener, $client, $header, %scene) = @_;
    my $to = 'to' . ++$n . '@d.example';
    my $said = Tamis::Smtp->play(port => $postfix->port($listener), client => { name => undef, %$client },
        ehlo => 'helo.example', rcpt => ["<$to>"], message => "$header\nbody\n", %scene);

    diag(join "\n", map { $_ // '(none)' } @{ $said->{rcpt} }, $said->{end}) if ($said->{end} // '') !~ /^2/;
    return $scene{rcpt} ? () : (header_of($to), $to);
}

sub own {
    my ($client, $to, $with) = @_;
    return "Received: from $client\n\tby mx.test.example (Postfix) with $with id ID\n\tfor <$to>; DATE\n";
}

my $hidden = "\n\t[127.0.0.1] (localhost [127.0.0.1])";
my %from = (port25 => 'helo.example (unknown [192.0.2.1])', net => 'helo.example (unknown [203.0.113.9])');

sub is_hidden {
    my ($got, $to, $with, $rest, $name) = @_;
    my $want = "Received: from$hidden\n\tby mx.test.example (Postfix) with $with id ID\n\tfor <$to>; DATE\n$rest";

    is($got, $want, "$name: the client is hidden, the rest is kept");
}

my ($got, $to);

# --- yes and rules: the same mails, the same bytes.
for my $way (['yes', {}], ['rules', { outgoing_header_checks => "pcre:$rules" }]) {
    my ($mode, $set) = @$way;

    restart(outgoing_hide_client => $mode, %$set) if $mode ne 'yes';
    for my $case (['none other', ''], ['several others', $others]) {
        my $name = "$mode, $case->[0]";
        my $mail = $case->[1] . $fixed;
        # As in Postfix, the published rule takes any Received field that looks like its own.
        my $kept = $mode eq 'yes' ? $mail
            : $mail =~ s/from one\.example \(.*\)/from [127.0.0.1] (localhost [127.0.0.1])/r;

        ($got, $to) = deliver('smtp', { addr => '192.0.2.1' }, $mail);
        is($got, own($from{port25}, $to, 'ESMTP') . $mail, "$name, port 25: incoming, untouched");
        ($got, $to) = deliver('submission', { addr => '192.0.2.1', login => 'joe' }, $mail);
        is_hidden($got, $to, 'ESMTPA', $kept, "$name, login");
        ($got, $to) = deliver('smtp', { addr => '203.0.113.9' }, $mail);
        is_hidden($got, $to, 'ESMTP', $kept, "$name, listed network");
        ($got, $to) = deliver('smtp', { addr => '203.0.113.9' }, $mail, mail => '<a@b.example> SMTPUTF8');
        is_hidden($got, $to, 'UTF8SMTP', $kept, "$name, SMTPUTF8");
        $to = 'to' . ++$n . '@d.example';
        deliver('smtp', { addr => '203.0.113.9' }, $mail, rcpt => ["<$to>", '<second@d.example>']);
        is(header_of($to), "Received: from$hidden\n\tby mx.test.example (Postfix) with ESMTP id ID;\n\tDATE\n$kept",
            "$name: two recipients");
        $to = 'to' . ++$n . '@d.example';
        $postfix->sendmail(['-f', 'me@b.example', $to], "$mail\nbody\n");
        is(header_of($to), "Received: by mx.test.example (Postfix, from userid UID)\n\tid ID; DATE\n$kept",
            "$name, sendmail(1): no client is named, and its own stays");
    }
}

# --- beside other edits of the same message, and access tables' PREPENDs, which stay on top.
for my $mode (qw(yes rules)) {
    restart(outgoing_hide_client => $mode, sender_restrictions =>
        "check_sender_access pcre:$senders, check_sender_access pcre:$more",
        outgoing_header_checks => ($mode eq 'rules' ? "pcre:$rules, " : '') . "pcre:$edits");
    my $mail = "Received: from one (x)\nX-Gone: 1\nReceived: by two\nSubject: s\n t\nReceived: by three\nX-Gone: 2\n"
        . "X-Under: u\nReceived:  last\n" . $fixed =~ s/^Subject.*\n//mr;
    ($got, $to) = deliver('submission', { addr => '192.0.2.1', login => 'joe' }, $mail, mail => '<pre@b.example>');
    is($got, <<"END" . $fixed =~ s/^Subject.*\n//mr, "$mode: with ten other edits");
X-Access: first
X-Access: second
Received: from$hidden
	by mx.test.example (Postfix) with ESMTPA id ID
	for <$to>; DATE
X-Was-Received: one
Subject: <s
 t>
Received: from above-three by x; y
Received: by three
X-Above: a
X-Under: u
Received:  last
END
    ($got, $to) = deliver('smtp', { addr => '192.0.2.1' }, $mail, mail => '<pre@b.example>');
    is($got, "X-Access: first\nX-Access: second\n" . own($from{port25}, $to, 'ESMTP') . $mail,
        "$mode: incoming, no edits");
}

# --- rules: what is rebuilt is what Postfix wrote.
restart(outgoing_hide_client => 'rules', outgoing_header_checks => "pcre:$same");
my @scenes = (
    ['one recipient', {}, {}],
    ['login', { login => 'joe' }, {}],
    ['a client with a name', { name => 'mail.example' }, {}],
    ['two recipients', {}, { rcpt => ['<LISTEN2@d.example>', '<LISTEN3@d.example>'] }],
    ['a recipient in another case', {}, { rcpt => ['<MiXed-LISTEN@D.example>'] }],
    ['a recipient without <>', {}, { rcpt => ['bare-LISTEN@d.example'] }],
    ['a recipient to be quoted', {}, { rcpt => ['<"a \"LISTEN"@d.example>'] }],
    ['a recipient needlessly quoted', {}, { rcpt => ['<"need.LISTEN"@d.example>'] }],
    ['a recipient with a route', {}, { rcpt => ['<@x.example:route-LISTEN@d.example>'] }],
    ['SMTPUTF8', {}, { mail => '<a@b.example> SMTPUTF8' }],
    ['8BITMIME', {}, { mail => '<a@b.example> BODY=8BITMIME' }],
    ['an address as HELO', {}, { ehlo => '[203.0.113.9]' }],
    ['an odd HELO', {}, { ehlo => 'a(b)%s<c>@"d\\;=[e]' }],
    ['IPv6', { addr => '2001:db8::9' }, {}],
);
for my $scene (@scenes) {
    my ($name, $client, $more) = @$scene;
    my @fields = map {
        my $listener = $_;
        my %more = %$more;

        $more{rcpt} = [map { s/LISTEN/$listener/r } @{ $more{rcpt} }] if $more{rcpt};
        my $mark = "X-Scene: $name $listener";
        my (undef, $to) = deliver($listener, { addr => '203.0.113.9', %$client }, "$mark\n$fixed", %more);
        $postfix->drained;
        my ($mail) = grep { $_->{message} =~ /^\Q$mark\E\r$/m } $postfix->sink->mails(1);
        header_of(undef, $mail) =~ s/\bto\d+\@/RCPT\@/r =~ s/$listener/LISTEN/gr
            =~ s/\AReceived: from\n\t/Received: from /r;
    } qw(native submission);
    is($fields[1], $fields[0], "rebuilt as Postfix wrote it: $name");
    like($fields[1], qr/\AReceived: from \S+ \(\S+ \[[^]]+\]\)\n/, 'that is, the client and more');
}

# --- TLS, to which openssl(1) is the client: what is told of it is what Postfix says, as far as it goes.
my $openssl = `openssl version 2>/dev/null`;
SKIP: {
    skip 'no openssl(1)', 3 if !$openssl;
    my $key = $filter->file('key.pem', '');
    my $cert = $filter->file('cert.pem', '');
    my ($status) = run_command(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-batch', '-subj',
        '/CN=mx.test.example', '-days', '2', '-keyout', $key, '-out', $cert]);
    $status == 0 or skip 'openssl(1) makes no certificate', 3;
    my %tls = (smtpd_tls_security_level => 'may', smtpd_tls_received_header => 'yes',
        smtpd_tls_key_file => $key, smtpd_tls_cert_file => $cert);
    $postfix->reload(%tls);
    my %field = map { $_ => over_tls($_) } qw(native submission);
    my $native = $field{native} // '';
    like($native, qr/\Afrom tls\.example \(\S+ \[127\.0\.0\.1\]\)\n\t\(using TLS.*with ESMTPS id ID/s, 'Postfix tells of TLS');
    my ($using) = $native =~ /^(\t\(using \S+ with cipher \S+ \(\d+\/\d+ bits\))/m;
    ok($using, 'in the form that is known');
    is($field{submission}, $native =~ s/^\t\(using.*(?=^\tby )/$using)\n/msr, 'rebuilt without what is not told');
}

# The Received field of a mail that came over TLS.
sub over_tls {
    my ($listener) = @_;
    my $to = "tls-$listener\@d.example";
    my $port = $postfix->port($listener);
    my $pid = open2(my $out, my $in, "exec openssl s_client -starttls smtp -quiet -connect 127.0.0.1:$port 2>/dev/null");

    for my $command ('EHLO tls.example', 'MAIL FROM:<a@b.example>', "rcpt to:<$to>", 'DATA', "$fixed\nbody\n.", 'QUIT') {
        my $line;

        print {$in} $command =~ s/\n/\r\n/gr . "\r\n";
        $in->flush;
        do { $line = <$out> } while defined $line && $line =~ /^\d+-/;
        last if !defined $line || $line =~ /^5/;
    }
    close $in;
    waitpid $pid, 0;
    my ($field) = header_of($to) =~ /\AReceived:\s+(.*?\n)(?![ \t])/s;
    $field =~ s/\Q$to\E/RCPT/;
    return $field =~ s/\Afrom\s+/from /r;
}

# --- rules: other actions are those of any header.
my $actions = $filter->file('actions', <<'RULES');
/^Received: from ignored/  IGNORE
/^Received: from stripped/ STRIP gone
/^Received: from renamed/  REPLACE X-Was: it
/^Received: from put/      PREPEND X-Put: above
/^Received: from reject/   REJECT not from there
/^Received: from warn/     WARN seen
RULES
restart(outgoing_hide_client => 'rules', outgoing_header_checks => "pcre:$actions");
for my $name (qw(ignored stripped renamed warn)) {
    ($got, $to) = deliver('submission', { addr => '203.0.113.9' }, $fixed, ehlo => $name);
    is($got, own("$name (unknown [203.0.113.9])", $to, 'ESMTP') . $fixed, "rules, $name: stays");
}
like($filter->wait_stderr(qr/strip: /), qr/strip: header Received: from stripped .* is not removed by a milter$/,
    'what could not be done is logged');
ok($filter->wait_stderr(qr/warning: header Received: from warn .*: seen$/), 'WARN is logged');
($got, $to) = deliver('submission', { addr => '203.0.113.9' }, $fixed, ehlo => 'put');
is($got, "X-Put: above\n" . own('put (unknown [203.0.113.9])', $to, 'ESMTP') . $fixed, 'rules, PREPEND: above it');
my $said = Tamis::Smtp->play(port => $postfix->port('submission'), client => { name => undef, addr => '203.0.113.9' },
    ehlo => 'reject', message => "$fixed\nbody\n");
is($said->{end}, '550 5.7.1 not from there', 'rules, REJECT');
$said = Tamis::Smtp->play(port => $postfix->port, client => { name => undef, addr => '192.0.2.1' },
    ehlo => 'reject', message => "$fixed\nbody\n");
like($said->{end}, qr/^250 /, 'rules: incoming mail is not asked about');

# --- Postfix's own header_checks may have changed or removed its field before.
for my $case (['replaced', 'REPLACE Received: from nowhere by mx; DATE2'], ['removed', 'IGNORE']) {
    my $checks = $postfix->file('own_checks', "/^Received: from helo/ $case->[1]\n");

    restart(outgoing_hide_client => 'yes');
    $postfix->reload(header_checks => "regexp:$checks");
    ($got, $to) = deliver('submission', { addr => '203.0.113.9' }, $others . $fixed);
    unlike($got, qr/203\.0\.113\.9/, "$case->[0] by Postfix: the client is not named");
    is($got =~ s/\AReceived: from.*?(?=Received: from one)//sr, $others . $fixed, 'the others are untouched');
}
$postfix->reload(header_checks => '');

# --- fields that Postfix's own access tables put above its Received.
restart(outgoing_hide_client => 'yes');
$postfix->reload(smtpd_client_restrictions => 'check_client_access static:{PREPEND X-Postfix: 1}');
($got, $to) = deliver('submission', { addr => '203.0.113.9' }, $others . $fixed);
unlike($got, qr/203\.0\.113\.9/, 'below a PREPEND of Postfix: the client is not named');
is($got =~ s/\AReceived: from\n(\t.*\n)+//r, "X-Postfix: 1\n$others$fixed", 'and one field stands for it, on top');
$postfix->reload(smtpd_client_restrictions => '');

# --- not Postfix, to judge by macro v; observe; no.
restart(outgoing_hide_client => 'yes');
$postfix->reload(milter_macro_v => 'Sendmail 8.17.1');
($got, $to) = deliver('submission', { addr => '203.0.113.9' }, $fixed);
is($got, own($from{net}, $to, 'ESMTP') . $fixed, 'another MTA: nothing is done');
ok($filter->wait_stderr(qr/Postfix only, and the MTA calls itself "Sendmail 8\.17\.1"/), 'which is logged');
$postfix->reload(milter_macro_v => '$mail_name $mail_version');
for my $set ({ outgoing_hide_client => 'yes', mode => 'observe' }, { outgoing_hide_client => 'no' },
    { outgoing_hide_client => 'rules', outgoing_header_checks => "pcre:$rules", mode => 'observe' }) {
    restart(%$set);
    ($got, $to) = deliver('submission', { addr => '203.0.113.9' }, $others . $fixed);
    is($got, own($from{net}, $to, 'ESMTP') . $others . $fixed, 'nothing is done');
}
is($filter->stop, 0, 'tamis ends well');
done_testing;
