#!/usr/bin/perl
# 7-headers - header_checks and body_checks: tamis behind Postfix beside Postfix's own, delivered bytes and replies
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Tamis::Filter;
use Tamis::Postfix qw(postfix_missing);
use Tamis::Smtp;
use Test::More;

alarm 300;
if (my $why = postfix_missing()) {
    plan skip_all => $why;
}

my $rules = <<'RULES';
/^X-Reject-Plain:/        REJECT
/^X-Reject-Text:/         REJECT you are  not welcome
/^X-Reject-Dsn:/          REJECT 5.7.9 go away
/^X-Reject-Soft:/         REJECT 4.7.3 later
/^X-Reject-Two:/          REJECT 2.7.9 odd
/^X-Reject-Short:/        REJECT 5.7 x
/^X-Reject-Four:/         REJECT 4.7.1 x
/^X-Reject-Long:/         REJECT 5.7.999999 x
/^X-Reject-Zero:/         REJECT 2.0.0 x
/^X-Reject-Three:/        REJECT 3.7.1 x
/^X-Reject-Wide:/         REJECT 5.999.999   x
/^X-Reject-Glued:/        REJECT 5.7.1x
/^X-Reject-Detail:/       REJECT 5.1.1 x
/^X-Reject-Leading:/      REJECT 5.07.001 x
/^X-Code-Only:/           REJECT 5.7.9
/^X-Soft-Code-Only:/      REJECT 4.7.9
/^X-Reject-Utf8:/         REJECT refusé: 100% "non"
/^X-Reject-Tab:/          REJECT a	b
/^X-Reject-Captured: (.*)/  REJECT said $1 here
/^X-reject-case:/         rEjEcT case
/^X-Warn:/                WARN hm
/^X-Info:/                INFO well
/^X-Dunno:/               DUNNO
/^X-Ok:/                  OK text
/^X-Unknown:/             FROBNICATE
/^X-550:/                 550 no
/^X-Empty:/
/^X-Hold:/                HOLD a look
/^X-Discard:/             DISCARD quietly
/^X-Redirect:/            REDIRECT other@else.example
/^X-Redirect2:/           REDIRECT nobody
/^X-Bcc:/                 BCC copy@else.example
/^X-Bcc2:/                BCC nobody
/^X-Pass:/                PASS fine
/^X-Prepend:/             PREPEND X-New: before
/^X-Prepend-Tight:/       PREPEND X-DEBUGO:WARN
/^X-Prepend-Bad:/         PREPEND no header
/^X-Prepend-None:/        PREPEND
/^X-Prepend-Colon:/       PREPEND X-Blank : colon
/^X-Prepend-Empty:/       PREPEND X-Void:
/^X-Prepend-Fold: (.*)/   PREPEND X-Copy: $1
/^X-Prepend-Cut: (.*?)x/  PREPEND X-Copy: ${1}X-Injected: yes
/^X-Replace:/             REPLACE X-Replace: new
/^X-Replace-Tight:/       REPLACE X-Replace-Tight:new
/^X-Replace-Case:/        REPLACE x-rePLace-caSe: new
/^X-Replace-Name:/        REPLACE X-Other: new
/^X-Replace-Bad:/         REPLACE nothing
/^X-Replace-Void:/        REPLACE X-Replace-Void:
/^X-Replace-Blank:/       REPLACE X-Blank : b
/^X-Replace-Fold: (.*)/   REPLACE X-Replace-Fold: [$1]
/^X-Replace-Cut: (.*?)x/  REPLACE X-Replace-Cut: ${1}Bcc: me@example.org
/^X-Ignore:/              IGNORE
/^X-Ignore-Text:/         IGNORE because
/^X-Strip:/               STRIP gone
/^Subject:.*viagra*/      REJECT pills
/^From: *toto*/           REJECT toto
/^s*Content.(Disposition|Type).*names*=s*"?(.+.(bat|exe|com|scr|vbs))"?s*$/ REJECT attachment $2
/^X-Mailer:/              IGNORE
/^X-Mime: (.*)/           WARN $1
/^X-Same:.*first/         REPLACE X-Same: 1st
/^X-Same:.*del/           IGNORE
/^X-Same:.*pre/           PREPEND X-Same: above
/^X-Same:.*ren/           REPLACE X-Renamed: yes
/^X-Same:.*void/          REPLACE X-Same:
/^X-Same:.*last/          PREPEND X-Last: here
RULES
my $body_rules = <<'RULES';
/^body reject/     REJECT 5.7.9 bad body
/^body discard/    DISCARD
/^body soft/       REJECT 4.7.9 soft body
/late/             REJECT too late
/^$/               WARN empty
/^--bound/         WARN boundary
/NULis/            REJECT nul
RULES

# A scene: name, header lines, body. Each goes in twice, under a mark of its own.
my @scenes = (
    (map { [$_, "$_: x\n"] } $rules =~ /^\/\^(X-Reject[-\w]*|X-reject-case|X-Warn|X-Info|X-Dunno|X-Ok|X-Unknown|X-550|X-Empty|X-Hold|X-Discard|X-Redirect2?|X-Bcc2?|X-Pass|X-Prepend[-\w]*|X-Replace[-\w]*|X-Ignore[-\w]*|X-Strip):/mg),
    ['first REJECT wins', "X-Reject-Text: x\nX-Reject-Soft: x\n"],
    ['REJECT after HOLD', "X-Hold: x\nX-Reject-Text: x\n"],
    ['REJECT after DISCARD', "X-Discard: x\nX-Reject-Text: x\n"],
    ['REJECT after REDIRECT', "X-Redirect: x\nX-Reject-Text: x\nX-Prepend: x\n"],
    ['REJECT after PASS', "X-Pass: x\nX-Reject-Text: x\nX-Ignore: x\n"],
    ['REJECT after an error', "X-Empty: x\nX-Reject-Text: x\n"],
    ['an error after REJECT', "X-Reject-Text: x\nX-Empty: x\n"],
    ['REDIRECT after BCC', "X-Bcc: x\nX-Redirect: x\n"],
    ['edits before REDIRECT', "X-Prepend: x\nX-Ignore: x\nX-Redirect: x\nX-Strip: y\n"],
    ['captured folds', "X-Reject-Captured: a\n\tb\n  c\n"],
    ['PREPEND of folds', "X-Prepend-Fold: a\n\tb\n  c\n"],
    ['PREPEND cut behind a fold', "X-Prepend-Cut: a\n\tx\n b\n"],
    ['PREPEND cut in front of a fold', "X-Prepend-Cut: a\n x\n b\n"],
    ['REPLACE of folds', "X-Replace-Fold: a\n\tb\n  c\n"],
    ['REPLACE cut behind a fold', "X-Replace-Cut: a\n\tx\n b\n"],
    ['REPLACE of all folds', "X-Replace: a\n\tb\n  c\n"],
    ['IGNORE of all folds', "X-Ignore: a\n\tb\n  c\nX-After: x\n"],
    ['blanks are kept', "X-A:b\nX-B:  c  \nX-C:\tt\nX-D: \n\t f \nX-E:\nX-Prepend: p\nX-F:g\n"],
    ['blanks in front of the colon', "X-Replace : a\nX-Prepend\t: b\nX-Kept : c\n"],
    ['Subject: viagr', "Subject: viagr\n"],
    ['Subject: via', "Subject: via\n"],
    ['From: tot', "From: tot\n"],
    ['From:toto@x', "From:toto\@x.example\n"],
    ['From: "toto" <a@b>', "From: \"toto\" <a\@b.example>\n"],
    ['folded filename', "Content-Disposition: attachment;\n\tfilename=\"setup.exe\"\n"],
    ['telecom', "Content-Type: text/plain; name=\"rapport.telecom\"\n"],
    ['size behind', "Content-Disposition: attachment; filename=\"setup.exe\"; size=3\n"],
    ['RFC 2231', "Content-Disposition: attachment; filename*=UTF-8''setup.exe\n"],
    ['ten edits', <<'END'],
X-Same: one
X-Same: the first
X-Same: to del
X-Keep: a
X-Same: to pre
X-Same: two
X-Same: to ren
X-Ignore: 1
X-Same: to void
X-Prepend: 1
X-Keep: b
x-same: del again
X-Strip: 1
X-Same: the first again
X-Replace: a
	b
X-Prepend: 2
X-SAME: last
X-Same: three
END
    ['only edits', "X-Ignore: 1\nX-Ignore: 2\nX-Strip: 3\nX-Ignore: 4\n"],
    ['Received is edited', "Received: from a (b [192.0.2.1])\n\tby c; Mon, 1 Jan 2024 00:00:00 +0000\nX-Prepend: 1\n"],
    ['no header', undef, "x\n"],
    ['no header, body reject', undef, "body reject\n"],
    ['body', '', "body reject this\n"],
    ['body soft', '', "a\nbody soft\n"],
    ['body discard', '', "a\n\nbody discard\n"],
    ['body after header REJECT', "X-Reject-Text: x\n", "body reject\n"],
    ['body after PASS', "X-Pass: x\n", "body reject\n"],
    ['body not at the start', '', " body reject\n"],
    ['long lines', '', 'x' x 2044 . "late\n"],
    ['long lines, cut', '', 'x' x 2046 . "late\n"],
    ['size limit', '', ("x" x 70 . "\n") x 800 . "late\n"],
    ['at the size limit', '', ("x" x 70 . "\n") x 721 . "yyyyyyy\nlate\n"],
    ['a byte below the size limit', '', ("x" x 70 . "\n") x 721 . "yyyyyy\nlate\n"],
    ['below the size limit', '', ("x" x 70 . "\n") x 700 . "late\n"],
    ['size limit of a part', "Content-Type: multipart/mixed; boundary=bound\n",
        "--bound\n\n" . ("x" x 70 . "\n") x 800 . "--bound\n\nlate\n--bound--\n"],
    ['a part', "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=bound\n",
        "--bound\nContent-Type: text/plain; name=\"a.exe\"\n\nx\n--bound--\n"],
    ['a header of a part', "MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=bound\n",
        "--bound\nX-Reject-Text: x\n\nx\n--bound--\n"],
    ['a nested message', "MIME-Version: 1.0\nContent-Type: message/rfc822\n", "Subject: viagra\n\nx\n"],
    ['no boundary', "MIME-Version: 1.0\nContent-Type: text/plain\n",
        "--bound\nX-Reject-Text: x\n\nx\n--bound--\n"],
    ['8 bit', "X-Bits: \xe9\xff\nX-Prepend-Fold: \xe9\xff\n", "\x80\xff\n"],
    ['a NUL', '', "aa\nNU\0Lis\nNULi\0s\n"],
);

# Random headers out of a few, so that names repeat and most are edited.
my @pool = ((map { "X-Same: $_" } qw(one first del pre ren void last), 'to del', "a\n\tfold", "pre\n fold"),
    (map { "$_: x" } qw(X-Ignore x-ignore X-Prepend X-Prepend-Tight X-Replace X-Replace-Tight X-Replace-Name
        X-Replace-Void X-Strip X-Other X-New X-Renamed X-Keep X-Replace-Blank)),
    "X-Replace-Fold: a\n\tb", "Received: from a\n\tby b; Mon, 1 Jan 2024 00:00:00 +0000", 'X-Empty-Value:');
srand 3;
push @scenes, map { ["random $_", join '', map { $pool[rand @pool] . "\n" } 1 .. 5 + rand 40] } 1 .. 60;

my $filter = Tamis::Filter->new(conf => '');
my $postfix = Tamis::Postfix->new(listeners => {
    native => { smtpd_milters => '', cleanup_service_name => 'cleanup-native' } });
plan skip_all => 'Postfix without pcre' if !$postfix->has_pcre;
my ($headers, $body) = ($postfix->file('header_checks', $rules), $postfix->file('body_checks', $body_rules));
$filter->set(header_checks => "pcre:$headers", body_checks => "pcre:$body", mynetworks => '127.0.0.0/8',
    part_prepend => 'off');
ok($filter->start, 'tamis starts') or BAIL_OUT($filter->stderr);
$postfix->{opt}{milters} = '';
$postfix->{opt}{smtp} = { smtpd_milters => $filter->milter };
$postfix->{opt}{params} = { strict_smtputf8 => 'no' };
$postfix->{opt}{master} = "cleanup-native unix n - n - 0 cleanup\n"
    . "  -o header_checks=pcre:$headers\n  -o body_checks=pcre:$body\n";
$postfix->write_config;
ok($postfix->start, 'Postfix starts');

# Plays a scene at a listener; returns what the client read at the end.
sub scene {
    my ($listener, $i) = @_;
    my ($name, $header, $text) = @{ $scenes[$i] };
    my $from = ($header // '') =~ /^From:/m ? '' : "From: a\@b.example\n";
    my $said = Tamis::Smtp->play(
        port => $postfix->port($listener), mail => '<sender@fine.example> BODY=8BITMIME',
        client => { name => undef, addr => '192.0.2.1' }, rcpt => ['<rcpt@y.example>', '<two@y.example>'],
        message => !defined $header ? "\n$text" : "X-Mark: $listener $i\n${from}To: rcpt\@y.example\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n"
            . "Message-Id: <$i\@b.example>\n$header\n" . ($text // "body\n"));
    return ($said->{end} // '(closed)') =~ s/queued as \S+/queued as ID/r;
}

for my $i (0 .. $#scenes) {
    my $native = scene('native', $i);
    is(scene('smtp', $i), $native, "reply: $scenes[$i][0]");
}

# Postfix itself sends whatever is in memory behind a code without a text.
for my $case (['X-Code-Only', '550 5.7.9 '], ['X-Soft-Code-Only', '451 4.7.9 ']) {
    push @scenes, ["$case->[0], by tamis", "$case->[0]: x\n"];
    is(scene('smtp', $#scenes), $case->[1], "reply: $scenes[-1][0]");
    pop @scenes;
}
ok($postfix->drained, 'all is delivered');

# What was delivered, by mark: recipients and bytes. The MTA's own Received field differs by nature,
# but not its place.
my (%delivered, %held);
for my $mail ($postfix->mails(1)) {
    my $message = $mail->{message};
    my ($listener, $i) = $message =~ s/^X-Mark: (\w+) (\d+)\r\n/X-Mark:\r\n/m ? ($1, $2) : next;
    $message =~ s/\AReceived: .*\r\n(?:[ \t].*\r\n)*/Received: own\r\n/;
    push @{ $delivered{$listener}[$i] }, join(' ', sort @{ $mail->{recipients} }) . "\n$message";
}
cmp_ok(scalar(grep { defined } @{ $delivered{native} }), '>', 50, 'most scenes end with a delivery');
for my $i (0 .. $#scenes) {
    my ($native, $ours) = map { join "\n", sort @{ $delivered{$_}[$i] || [] } } qw(native smtp);
    is($ours, $native, "delivered: $scenes[$i][0]");
}
for my $entry (grep { $_->{queue_name} eq 'hold' } $postfix->queue) {
    my $message = $postfix->queued_message($entry->{queue_id});
    $held{"$2 $1"}++ if $message =~ /^X-Mark: (\w+) (\d+)/m;
}
is_deeply([map { s/ .*//r } sort grep { / smtp/ } keys %held], [map { s/ .*//r } sort grep { / native/ } keys %held],
    'held alike');
ok(scalar(keys %held), 'some were held');

# The log says the same, but for proto=, the rule, control characters of a reply, lookup errors, and what
# Postfix rewrites before a milter sees it.
my $actions = qr/(?:reject|warning|info|hold|discard|redirect|bcc|pass|prepend|replace|strip): (?:header|body) /;
my $apart = qr/ (?:X-Reject-Tab|X-Reject-Captured: a|X-Empty|From: tot\b|X-(?:Soft-)?Code-Only)/;
my @native_log = map { /cleanup\S*: \w+: ($actions.*)/ && $1 !~ $apart ? $1 =~ s/ proto=ESMTP//r : () } split /\n/, $postfix->log;
my @our_log = map { /^tamis: \w+: ($actions.*)/ && $1 !~ $apart ? $1 =~ s/ rule=\S+//r : () } split /\n/, $filter->stderr;
cmp_ok(scalar(@native_log), '>', 500, 'Postfix logged what it did');
is_deeply([sort @our_log], [sort @native_log], 'the same is logged');
is($filter->stop, 0, 'tamis ends well');

# --- directions: rules of outgoing mail touch that alone, whatever makes it outgoing.
my %tables = map { $_->[0] => $filter->file(@$_) } (
    ['out', "/^X-(Originating-IP|Mailer):/ IGNORE\n/^User-Agent:/ IGNORE\n/^X-Bad-Out:/ REJECT out\n"
        . "/^X-Drop:/ DISCARD\n/^X-Tag:/ REPLACE X-Tag: out\n"],
    ['in', "/^X-Bad-In:/ REJECT in\n/^X-Tag:/ REPLACE X-Tag: in\n"]);
$filter->set(header_checks => '', body_checks => '', mynetworks => '203.0.113.0/24',
    outgoing_header_checks => "pcre:$tables{out}", incoming_header_checks => "pcre:$tables{in}");
ok($filter->start, 'tamis starts with rules by direction') or BAIL_OUT($filter->stderr);
$postfix->{opt}{milters} = $filter->milter;
$postfix->{opt}{submission} = { smtpd_milters => $filter->milter };
$postfix->reload(non_smtpd_milters => $filter->milter, smtpd_milters => $filter->milter);

my $mail = "From: a\@b.example\nTo: c\@d.example\nDate: Mon, 1 Jan 2024 00:00:00 +0000\nMessage-Id: <1\@b>\n"
    . "User-Agent: x\nX-Tag: ?\nX-Mailer: y\nX-Originating-IP: [192.0.2.1]\nSubject: z\n";
my @fields = qw(User-Agent X-Tag X-Mailer X-Originating-IP Subject);

# The fields of interest that were delivered to an address.
sub delivered_to {
    my ($address) = @_;
    my $got = $postfix->sink->mail_of($address) or return 'nothing';
    my $names = join '|', @fields;
    return join ', ', $got->{message} =~ /^((?:$names):.*?)\r$/mg;
}

my @all = 'User-Agent: x, X-Tag: in, X-Mailer: y, X-Originating-IP: [192.0.2.1], Subject: z';
my @few = 'X-Tag: out, Subject: z';
my @ways = (
    ['port25', 'port 25', 'smtp', { addr => '192.0.2.1' }, $all[0], 'in'],
    ['login', 'submission with login', 'submission', { addr => '192.0.2.1', login => 'joe' }, $few[0], 'out'],
    ['nologin', 'submission without login', 'submission', { addr => '192.0.2.1' }, $all[0], 'in'],
    ['net', 'a listed network', 'smtp', { addr => '203.0.113.9' }, $few[0], 'out'],
);
for my $way (@ways) {
    my ($user, $name, $listener, $client, $want, $direction) = @$way;
    my %scene = (port => $postfix->port($listener), client => { name => undef, %$client },
        rcpt => ["<$user\@d.example>"]);
    Tamis::Smtp->play(%scene, message => "$mail\nbody\n");
    is(delivered_to("$user\@d.example"), $want, "$name: delivered");
    for my $which (qw(in out)) {
        my $said = Tamis::Smtp->play(%scene, message => "X-Bad-\u$which: x\n$mail\nbody\n");
        my $reply = $which eq $direction ? "550 5.7.1 $which" : '250 2.0.0 Ok: queued as ID';
        is($said->{end} =~ s/as \w+\z/as ID/r, $reply, "$name: refused by its own rules only ($which)");
    }
}

# sendmail(1): refused at the end of the message, which Postfix turns into a bounce.
$postfix->sendmail(['-f', 'me@b.example', 'pickup@d.example'], "$mail\nbody\n");
is(delivered_to('pickup@d.example'), $few[0], 'sendmail(1): outgoing, edited');
$postfix->sendmail(['-f', 'bounced@b.example', 'never@d.example'], "X-Bad-Out: x\n$mail\nbody\n");
my $bounce = $postfix->sink->mail_of('bounced@b.example');
like($bounce && $bounce->{message}, qr/5\.7\.1.*out/s, 'sendmail(1): REJECT becomes a bounce');
$postfix->sendmail(['-f', 'gone@b.example', 'gone@d.example'], "X-Drop: x\n$mail\nbody\n");
$postfix->sendmail(['-f', 'me@b.example', 'after@d.example'], "$mail\nbody\n");
is(delivered_to('after@d.example'), $few[0], 'sendmail(1): the next one');
ok($postfix->drained, 'all is delivered');
is((grep { grep { /^(?:gone|never)@/ } @{ $_->{recipients} } } $postfix->sink->mails(0)), 0,
    'sendmail(1): what was refused or discarded is not delivered');

# observe: judged and logged, nothing edited, nothing refused.
is($filter->stop, 0, 'tamis ends well');
$filter->set(mode => 'observe');
ok($filter->start, 'observe');
my $said = Tamis::Smtp->play(port => $postfix->port, client => { name => undef, addr => '203.0.113.9' },
    rcpt => ['<observe@d.example>'], message => "X-Bad-Out: x\n$mail\nbody\n");
like($said->{end}, qr/^250 /, 'observe: accepted');
is(delivered_to('observe@d.example'), $all[0] =~ s/: in/: ?/r, 'observe: untouched');
like($filter->wait_stderr(qr/would-reject/), qr{
    would-reject:[ ]header[ ]X-Bad-Out:[ ]x[ ]from[ ]unknown\[203\.0\.113\.9\];[ ]rule=\S+:3
    [ ]from=<sender\@test\.example>[ ]to=<observe\@d\.example>[ ]helo=<client\.test\.example>:[ ]5\.7\.1[ ]out$}x,
    'observe: logged in the shape of Postfix');
is($filter->stop, 0, 'tamis ends well');
done_testing;
