#!/usr/bin/perl
# 6-content - headers and body over the wire: what is negotiated, the edits, sizes that nobody should send
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Guard qw(slurp);
use Tamis::Live qw(live_filter live_mta);
use Tamis::Mta;

alarm 300;

my $rules = <<'RULES';
/^X-Reject:/           REJECT 5.7.9 no
/^X-Pre:/              PREPEND X-New:a
/^X-Rep:/              REPLACE X-Rep: new
/^X-Name:/             REPLACE X-Other: new
/^X-Ign:/              IGNORE
/^X-Exe:/              PREPEND X-Part: $&
/^X-Part: (.*)/        PREPEND X-Seen: $1
/^X-Tight:b/           REJECT tight
/^X-Drop:/             DISCARD
/^X-Many:.*9$/         WARN many
/^X-Copy:/             BCC copy@else.example
/^X-To: (.*)/          BCC $1@else.example
RULES
my $body = "/^bad/ REJECT bad body\n/^.*nul/ WARN nul\n/^copy/ BCC copy\@else.example\n/^late/ BCC late\@else.example\n";

# What is negotiated: HDR_LEADSPC 100000, SKIP 400; NOBODY 10, NOHDRS 20 when nothing is to be read;
# the action CHGHDRS, 10, when a rule may change a header.
my @policies = (
    ['only refusals', { header_checks => 'static:{REJECT x}' }, 0x147580, 0x1ad],
    ['headers alone', { header_checks => 'static:OK', mime_header_checks => '', nested_header_checks => '' }, 0x147590, 0x1ad],
    ['edits', { header_checks => 'static:IGNORE' }, 0x147580, 0x1bd],
    ['edits of outgoing mail', { outgoing_header_checks => 'static:{PREPEND X: y}' }, 0x147580, 0x1bd],
    ['edits in a body are none', { body_checks => 'static:IGNORE' }, 0x147580, 0x1ad],
);
for my $policy (@policies) {
    my ($name, $set, $steps, $actions) = @$policy;
    my $filter = live_filter(set => { log_message_id => 'no', %$set });
    my $mta = Tamis::Mta->connect($filter->milter);
    is sprintf('%#x', $mta->{steps}), sprintf('%#x', $steps), "$name: steps";
    is sprintf('%#x', $mta->{actions}), sprintf('%#x', $actions), "$name: actions";
    $mta->quit;
    is $filter->stop, 0, "$name: ends";
}

my $filter = live_filter(files => { hc => $rules, bc => $body },
    conf => "header_checks = pcre:hc\nbody_checks = pcre:bc\nbody_checks_size_limit = 1000\nmynetworks = 10.0.0.0/8\n");
my $mta = live_mta($filter);

# One message: the reply at its end.
sub start {
    my ($to) = @_;
    $to->mail('<a@b.example>', '{mail_addr}' => 'a@b.example');
    $to->rcpt('<bob@example.org>', '{rcpt_addr}' => 'bob@example.org');
    $to->data(i => '4QabcD1');
}

sub reply_to {
    my ($mail, $to) = @_;
    start($to // $mta);
    my $reply = ($to // $mta)->content($mail);
    ($to // $mta)->abort;
    return $reply;
}

sub edits_of { return [Tamis::Mta::edits(reply_to(@_))] }

is reply_to("X-Reject: 1\n\nbody\n")->{text}, '550 5.7.9 no', 'REJECT at the end of the message';
is reply_to("A: 1\n\nx\nbad\n")->{text}, '550 5.7.1 bad body', 'REJECT of the body';
is reply_to("X-Drop: 1\n\nbody\n")->{action}, 'discard', 'DISCARD';
is reply_to("A: 1\n\nbody\n")->{action}, 'continue', 'the next message is clean';
is_deeply edits_of("A: 1\nX-Pre: 1\nX-Rep: 1\nX-Rep: 2\nX-Name: 1\nX-Ign: 1\nX-Ign: 2\nX-rep: 3\n\nbody\n"),
    ['chgheader 3 X-Rep: new', 'chgheader 2 X-Ign:', 'chgheader 1 X-Ign:', 'chgheader 1 X-Name:',
        'insheader 5 X-Other: new', 'chgheader 2 X-Rep: new', 'chgheader 1 X-Rep: new', 'insheader 2 X-New:a'],
    'edits: from the last header to the first';
is_deeply edits_of("X-Pre: 1\nX-Reject: 1\n\nbody\n"), [], 'none of a refused message';
is_deeply edits_of("Content-Type: multipart/mixed; boundary=b\n\n--b\nX-Part: one\nX-Ign: 1\n\n--b\nX-Part: two\n\n--b--\n"),
    ['addheader X-Seen: one'], 'a part: one field at the end';
start($mta);
$mta->header('X-Pre', ' 1');
$mta->abort;
is_deeply edits_of("A: 1\n\nbody\n"), [], 'a broken-off message leaves nothing';

# The body is read as long as it matters.
start($mta);
$mta->header('A', ' b');
$mta->eoh;
is $mta->body("good\r\n")->{action}, 'continue', 'more is wanted';
is $mta->body("x\r\n" x 500)->{action}, 'skip', 'behind body_checks_size_limit no more';
is $mta->eom->{action}, 'continue', 'and it passes';
$mta->abort;
start($mta);
$mta->header('X-Reject', ' 1');
$mta->eoh;
is $mta->body("good\r\n")->{action}, 'skip', 'nothing is wanted of what will be refused';
is $mta->eom->{text}, '550 5.7.9 no', 'and it is refused';
$mta->abort;
start($mta);
$mta->header('Content-Type', ' multipart/mixed; boundary=b');
$mta->eoh;
is $mta->body("x\r\n" x 500)->{action}, 'continue', 'a multipart is read to its end';
is $mta->body("--b\r\nX-Rej")->{action}, 'continue', 'cut anywhere';
is $mta->body("ect: 1\r\n\r\n")->{action}, 'skip', 'a header of a part is found';
is $mta->eom->{text}, '550 5.7.9 no', 'and refused';
$mta->abort;
$mta->quit;

# An old MTA takes the blank away, and puts one in.
my $old = Tamis::Mta->connect($filter->milter, version => 2, actions => 0x3f, steps => 0x7f);
$old->connect_info('mail.example', 4, 40000, '192.0.2.7');
$old->helo('mail.example');
is reply_to("X-Tight: b\n\nbody\n", $old)->{action}, 'continue', 'version 2: one blank is put back';
is_deeply edits_of("X-Rep: 1\nX-Pre: 1\n\nbody\n", $old), ['insheader 2 X-New:a', 'chgheader 1 X-Rep:new'],
    'version 2: the MTA adds the blank';
$old->quit;

# Sizes
sub memory { return slurp('/proc/' . $filter->pid . '/status') =~ /^VmHWM:\s+(\d+)/m ? $1 : 0 }
$mta = live_mta($filter);
is reply_to('X-Pad: ' . 'x' x 60000 . "\nX-Reject: 1\n\nb\n")->{text}, '550 5.7.9 no', '60 kB of one header';
is reply_to(join('', map { "X-H$_: " . 'x' x 600 . "\n" } 1 .. 100) . "X-Reject: 1\n\nb\n")->{text}, '550 5.7.9 no', '60 kB of headers';
is reply_to(join('', map { "X-H: $_\n" } 1 .. 5000) . "X-Reject: 1\n\nb\n")->{text}, '550 5.7.9 no', '5,000 headers';
my $changes = edits_of(join('', map { "X-Ign: $_\nX-Pre: $_\n" } 1 .. 2500) . "\nb\n");
is scalar(@$changes), 5000, '5,000 headers, all of them edited';
is_deeply [@$changes[0, 1, -1]], ['insheader 5000 X-New:a', 'chgheader 2500 X-Ign:', 'chgheader 1 X-Ign:'], 'in their order';
is reply_to(join('', map { "X-Many: $_\n" } 1 .. 20000) . "X-Reject: 1\n\nb\n")->{text}, '550 5.7.9 no', '20,000 headers';

# Parts in parts: 100 levels, then 10,000 parts in the innermost.
my $deep = join '', map { "--b$_\nContent-Type: multipart/mixed; boundary=b" . ($_ + 1) . "\n\n" } 0 .. 98;
my $parts = "--b99\nX-P: 1\n\nx\n" x 10000;
my $top = "Content-Type: multipart/mixed; boundary=b0\n\n";
is reply_to("$top$deep$parts--b99\nX-Reject: 1\n\nx\n--b99--\n")->{text}, '550 5.7.9 no', '10,000 parts, 100 deep';
is reply_to("$top$deep$parts--b99--\n")->{action}, 'continue', 'and one without anything';
my $deeper = join '', map { "--c$_\nContent-Type: multipart/mixed; boundary=c" . ($_ + 1) . "\n\n" } 0 .. 3000;
is reply_to("Content-Type: multipart/mixed; boundary=c0\n\n$deeper--c0\nX-Reject: 1\n\nx\n")->{text},
    '550 5.7.9 no', '3,000 deep: the outer ones are still seen';
is reply_to("Content-Type: message/rfc822\n\n" x 1000 . "X-Reject: 1\n\n")->{text}, '550 5.7.9 no', 'messages in messages';

my $binary = join '', map { chr(($_ * 7919) % 256) } 1 .. 300_000;
is reply_to("A: 1\n\n$binary")->{action}, 'continue', 'a binary body';
is reply_to("Content-Type: multipart/mixed; boundary=\"\"\n\n$binary")->{action}, 'continue', 'behind an odd boundary';
is reply_to("\nbad\n")->{text}, '550 5.7.1 bad body', 'no header at all';
is reply_to("\n")->{action}, 'continue', 'nothing at all';
cmp_ok memory(), '<', 200_000, 'memory stays within bounds';

# A rule that fires again and again: what comes of the message is what comes of it, told a thousand times.
sub told { my ($what) = @_; return scalar(() = $filter->stderr =~ /: \Q$what\E: /g) }
sub copies { return join ' ', map { $_->{addr} } @{ $_[0]{mods} } }
my $in_parts = "Content-Type: multipart/mixed; boundary=b\n\n" . "--b\n\ncopy\ncopy\n" x 5000;
my $before = told('bcc');
is copies(reply_to("${in_parts}late\n")), '<copy@else.example> <late@else.example>', '10,000 lines for one BCC, then one for another';
is told('bcc') - $before, 1001, 'of which as many are logged as matter';
$before = told('ignore');
my $part = "--b\n" . "X-Ign: 1\n" x 10 . "\n";
is_deeply edits_of("Content-Type: multipart/mixed; boundary=b\n\n" . $part x 2000 . "--b\nX-Part: a\n\n--b--\n"), ['addheader X-Seen: a'],
    '20,000 headers of parts that cannot be deleted, then one that adds a field';
is told('ignore') - $before, 1, 'logged once';
is scalar(@{ reply_to(join '', map({ "X-To: a$_\n" } 1 .. 3000), "X-Copy: 1\n\nb\n")->{mods} }), 1000, 'a thousand recipients may be added';
is reply_to(join '', map({ "X-To: a$_\n" } 1 .. 3000), "X-Reject: 1\n\nb\n")->{text}, '550 5.7.9 no', 'and then it can still be refused';
like $filter->stderr, qr{hc:12: BCC has added 1000 recipients to one message: more are skipped}, 'which is logged';
cmp_ok memory(), '<', 200_000, 'memory stays within bounds';

start($mta);
$mta->header('X', '') for 1 .. 100_001;
$mta->eoh;
is $mta->eom->{text}, '552 5.3.4 Error: too many header fields', '100,001 headers are refused';
$mta->abort;
is reply_to("A: 1\n\nx\n")->{action}, 'continue', 'the next message passes';
$mta->quit;
is $filter->stop, 0, 'ends';

# What was decided is in the log, with its rule.
my ($row) = $filter->sql("SELECT stage, action, code, dsn, text, line FROM decision WHERE text = 'bad body' LIMIT 1");
is_deeply $row, { stage => 'BODY', action => 'reject', code => 550, dsn => '5.7.1', text => 'bad body', line => 1 }, 'log: the body'
    or diag explain $row;

done_testing;
