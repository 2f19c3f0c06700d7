#!/usr/bin/perl
# 2-header-checks - header_checks(5) through tamis test: lists, actions, dispatch, edits, problems of values
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP;
use Tamis::Session;
use Test::More;

alarm 120;
my $ok = '250 2.0.0 Ok';
my $n = 0;

sub mail { return write_file('mail' . ++$n . '.eml', $_[0]) }

# The edits of one mail under a configuration: [op, index, name, value].
sub edits {
    my ($conf, $mail, @args) = @_;
    my $path = write_file('milter.conf', "postfix_config_directory =\nauthentication_results =\nmynetworks = 127.0.0.1\n$conf");
    my ($out, $err, $status) = run_tamis('', 'test', '-c', $path, '--json', @args, mail($mail));
    diag "$status: $err" if $status ne '0';
    return [map { [@$_{qw(op index name value)}] } @{ JSON::PP->new->utf8->decode($out)->{edits} }];
}

sub check {
    my ($conf) = @_;
    my $path = write_file('milter.conf', "postfix_config_directory =\n$conf");
    my ($out, $err) = run_tamis('', 'check', '-c', $path);
    return $err . $out;
}

# The steps of one mail under a configuration.
sub steps {
    my ($conf, $mail) = @_;
    my $path = write_file('milter.conf', "postfix_config_directory =\nauthentication_results =\n$conf");
    my ($out) = run_tamis('', 'test', '-c', $path, '--json', mail($mail));
    return [map { "$_->{restriction}: $_->{answer}" } @{ JSON::PP->new->utf8->decode($out)->{steps} }];
}
is_deeply(steps("header_checks = inline:{{x-a:b=DUNNO}} static:{INFO and more}\n", "X-A: b c\nX-A:b\n\n"),
    ['header_checks static:{INFO and more}: INFO and more', 'header_checks inline:{{x-a:b=DUNNO}}: DUNNO'],
    'a step names its table, blanks and all');

# --- refusals
my $refusals = write_file('refusals', <<'END');
/^X-Plain:/   REJECT
/^X-Text:/    REJECT you are  not welcome
/^X-Dsn:/     REJECT 5.7.9 go away
/^X-Soft:/    REJECT 4.7.3 later
/^X-Two:/     REJECT 2.7.9 odd
/^X-Not:/     REJECT 5.7 x
/^X-Bare:/    REJECT 5.7.9
/^X-Said: (.*)/ REJECT said $1
/^X-Long-Dsn:/ REJECT 5.7.999999 x
/^X-Glued:/   REJECT 5.7.1x
/^X-Zero:/    REJECT 2.0.0 x
/^X-Three:/   REJECT 3.7.1 x
/^X-Wide:/    REJECT 5.999.999   x
/^X-Void:/
/^X-Discard:/ DISCARD
/^X-Pass:/    PASS
/^X-Redir:/   REDIRECT a@b.example
/^X-Ok:/      OK
/^X-550:/     550 no
END
plays('refusals', "header_checks = pcre:$refusals\n", map({ ('message ' . mail("$_->[0]\n\nbody\n") => $_->[1]) } (
    ['X-Plain: x', '550 5.7.1 message content rejected'],
    ['X-Text: x', '550 5.7.1 you are  not welcome'],
    ['X-Dsn: x', '550 5.7.9 go away'],
    ['X-Soft: x', '451 4.7.3 later'],
    ['X-Two: x', '451 4.7.9 odd'],
    ['X-Not: x', '550 5.7.1 5.7 x'],
    ['X-Bare: x', '550 5.7.9 '],
    ['X-Long-Dsn: x', '550 5.7.1 5.7.999999 x'],
    ['X-Glued: x', '550 5.7.1 5.7.1x'],
    ['X-Zero: x', '451 4.0.0 x'],
    ['X-Three: x', '550 5.7.1 3.7.1 x'],
    ['X-Wide: x', '550 5.999.999 x'],
    ["X-Said: a\n\tb", '550 5.7.1 said a  b'],
    ['X-Void: x', '451 4.3.0 Error: queue file write error'],
    ['X-Discard: x', $ok],
    ['X-Ok: x', $ok],
    ['X-550: x', $ok],
    ["X-Soft: x\nX-Text: x", '451 4.7.3 later'],
    ["X-Pass: x\nX-Text: x", $ok],
    ["X-Redir: x\nX-Text: x", $ok],
    ["X-Discard: x\nX-Text: x", $ok],
)));

# --- the published rules
my $published = write_file('published', <<'END');
/^Subject:.*viagra*/  REJECT pills
/^From: *toto*/  REJECT toto
/^s*Content.(Disposition|Type).*names*=s*"?(.+.(bat|exe|com|scr|vbs))"?s*$/  REJECT Attachment type not allowed. File "$2" has the unacceptable extension "$3"
END
plays('published', "header_checks = pcre:$published\n", map({ ('message ' . mail("$_->[0]\n\nbody\n") => $_->[1]) } (
    ['Subject: viagr', '550 5.7.1 pills'],
    ['Subject: via', $ok],
    ['From: tot', '550 5.7.1 toto'],
    ['From:toto@x', '550 5.7.1 toto'],
    ['From: "toto" <a@b>', $ok],
    ["Content-Disposition: attachment;\n\tfilename=\"setup.exe\"",
        '550 5.7.1 Attachment type not allowed. File "setup.exe" has the unacceptable extension "exe"'],
    ['Content-Type: text/plain; name="rapport.telecom"',
        '550 5.7.1 Attachment type not allowed. File "rapport.telecom" has the unacceptable extension "com"'],
    ['Content-Disposition: attachment; filename="setup.exe"; size=3', $ok],
    ["Content-Disposition: attachment; filename*=UTF-8''setup.exe", $ok],
)));

# --- which list is asked
my %list = map { $_ => write_file($_, "/^([^:]+):/ REJECT $_ \$1\n") } qw(head mime nest);
my $which = "header_checks = pcre:$list{head}\nmime_header_checks = pcre:$list{mime}\n"
    . "nested_header_checks = pcre:$list{nest}\n";
my $quiet = write_file('quiet', "/^(MIME|Content-Type:.*(multipart|rfc822)|Subject: top)/ DUNNO\n");
my $below = $which =~ s/pcre:/pcre:$quiet, pcre:/gr;
plays('dispatch', $which, map({ ("message " . mail($_->[0]) => $_->[1]) } (
    map({ ["$_: x\n\n", "550 5.7.1 mime $_"] } qw(MIME-Version Content-Type Content-Transfer-Encoding
        Content-Disposition Content-Description Content-ID content-TYPE)),
    map({ ["$_: x\n\n", "550 5.7.1 head $_"] } qw(Subject Content-Length X-Mime-Version)),
    ["\nno header\n", $ok], ['', $ok], ["no header\nSubject: x\n", $ok])));
plays('dispatch in bodies', $below, map({ ("message " . mail($_->[0]) => $_->[1]) } (
    ["Content-Type: multipart/mixed; boundary=b\n\nX-A: x\n--b\nX-B: x\n\n--b--\n", '550 5.7.1 mime X-B'],
    ["Content-Type: multipart/mixed; boundary=b\n\n--b\n\nX-B: x\n--b--\nX-C: x\n", $ok],
    ["Content-Type: message/rfc822\n\nX-N: x\n\nbody\n", '550 5.7.1 nest X-N'],
    ["Content-Type: message/rfc822\n\nContent-ID: x\n\nbody\n", '550 5.7.1 mime Content-ID'],
    ["Content-Type: text/plain; name=multipart\n\nX-N: x\n", '550 5.7.1 mime Content-Type' ],
)[0 .. 3]));
plays('without lists for parts', "header_checks = pcre:$list{head}\nmime_header_checks =\nnested_header_checks =\n",
    map({ ("message " . mail($_->[0]) => $_->[1]) } (
        ["Content-Type: multipart/mixed; boundary=b\n\n--b\nX-B: x\n\n--b--\n", $ok], ["X: y\n\n", '550 5.7.1 head X'])));

# --- lists of tables, types of tables, directions
my $texts = write_file('texts', "subject: exact  REJECT texthash\n");
my $one = write_file('one', "/^Subject: (one|both)/ REJECT first\n");
my $two = write_file('two', "/^Subject: (two|both)/ REJECT second\n");
plays('lists', "header_checks = regexp:$one,\n  pcre:$two static:DUNNO\n", map({ ("message " . mail("Subject: $_->[0]\n\n") => $_->[1]) } (
    ['one', '550 5.7.1 first'], ['two', '550 5.7.1 second'], ['both', '550 5.7.1 first'], ['none', $ok])));
plays('static and inline', "header_checks = static:{REJECT all of it}\nmime_header_checks = inline:{{mime-version:1.0=REJECT m}}\n",
    'message ' . mail("X: y\n\n") => '550 5.7.1 all of it', 'message ' . mail("MIME-Version:1.0\n\n") => '550 5.7.1 m');
plays('directions', "mynetworks = 10.0.0.0/8\noutgoing_header_checks = pcre:$one\nincoming_header_checks = pcre:$two\n",
    'client a 192.0.2.1' => $ok, 'message ' . mail("Subject: one\n\n") => $ok, 'message ' . mail("Subject: two\n\n") => '550 5.7.1 second',
    'client a 10.0.0.1' => $ok, 'message ' . mail("Subject: one\n\n") => '550 5.7.1 first', 'message ' . mail("Subject: two\n\n") => $ok,
    'client a 192.0.2.1' => $ok, 'auth joe' => $ok, 'mail <a@b.example>' => $ok,
    'message ' . mail("Subject: one\n\n") => '550 5.7.1 first');
my $m = mail("Content-Type: x\n\n");
plays('what stands in for mime_header_checks', "mynetworks = 10.0.0.0/8\noutgoing_header_checks = static:{REJECT out}\nheader_checks = static:{REJECT both}\n"
        . "incoming_mime_header_checks = static:{REJECT mime}\n",
    'client a 10.0.0.1' => $ok, "message $m" => '550 5.7.1 out', 'client a 192.0.2.1' => $ok, "message $m" => '550 5.7.1 mime',
    'set mime_header_checks static:{REJECT plain}' => $ok, 'client a 10.0.0.1' => $ok, "message $m" => '550 5.7.1 out',
    'set outgoing_mime_header_checks static:{REJECT own}' => $ok, "message $m" => '550 5.7.1 own');

# --- the body
my $body = write_file('body', "/^bad (\\w+)/ REJECT 5.7.9 bad \$1\n/^disc/ DISCARD\n/^pre/ PREPEND X: y\n/nul.*nul/ REJECT nul\n/^-- bound/ REJECT bound\n");
my $long = ('x' x 63 . "\n") x 20;
plays('body', "body_checks = pcre:$body\nbody_checks_size_limit = 1000\n", map({ ("message " . mail($_->[0]) => $_->[1]) } (
    ["X: y\n\nbad line\n", '550 5.7.9 bad line'], ["bad: y\n\nx\n", $ok], ["bad luck\n", '550 5.7.9 bad luck'],
    ["X: y\n\nx bad line\n", $ok], ["X: y\n\ndisc\nbad line\n", $ok], ["X: y\n\npre\nbad line\n", '550 5.7.9 bad line'],
    ["X: y\n\n${long}bad line\n", $ok], ["X: y\n\n" . 'x' x 998 . "\nbad line\n", $ok], ["X: y\n\n" . 'x' x 997 . "\nbad line\n", '550 5.7.9 bad line'], ["X: y\n\nnul\0nul\n", $ok], ["X: y\n\nbad line", '550 5.7.9 bad line'],
    ["Content-Type: multipart/mixed; boundary=b\n\n$long--b\n\nbad part\n--b--\n", '550 5.7.9 bad part'],
    ["Content-Type: multipart/mixed; boundary=b\n\n--b\n\n$long--b--\nbad end\n", '550 5.7.9 bad end'],
    ["Content-Type: multipart/mixed; boundary=b\n\n--b\n\n--b--\n${long}bad end\n", $ok],
)), 'set body_checks_size_limit 0' => $ok, 'message ' . mail("X: y\n\n${long}bad line\n") => '550 5.7.9 bad line');

# --- end of data goes first, recipients' DISCARD, too
plays('order', "header_checks = static:{REJECT header}\nend_of_data_restrictions = reject\n",
    'message ' . mail("X: y\n\n") => '554 5.7.1 <END-OF-MESSAGE>: End-of-data rejected: Access denied');
plays('a discarded message is not looked at', "header_checks = static:{REJECT header}\nrecipient_restrictions = check_recipient_access static:DISCARD\n",
    'mail <a@b.example>' => $ok, 'rcpt <c@d.example>' => $ok, 'message ' . mail("X: y\n\n") => $ok);

# --- edits
my $edits = write_file('edits', <<'END');
/^X-Pre:/           PREPEND X-DEBUGO:WARN
/^X-Fold: (.*)/     PREPEND X-Copy: $1
/^X-Cut: (.*?)x/    PREPEND X-Copy: ${1}X-Injected: yes
/^X-Cr: (.*)/       REPLACE X-Cr: [$1]
/^X-Rep: (.*)/      REPLACE X-Rep: <$1>
/^X-Name:/          REPLACE X-Other:
/^X-Ign:/           IGNORE
/^X-Strip:/         STRIP text
/^X-Bad:/           PREPEND no field
/^X-Hold:/          HOLD look
/^X-Bcc:/           BCC copy@else.example
/^X-Redir:/         REDIRECT to@else.example
/^X-Part: (.*)/     PREPEND X-Parts: $1
/^Content-ID: (.*)/ REPLACE Content-ID: <$1>
/^X-Reject:/        REJECT
END
my $conf = "header_checks = pcre:$edits\n";
my @cases = (
    ['PREPEND, as written', "A: b\nX-Pre: x\n\n", ['prepend', 1, 'X-DEBUGO', 'WARN']],
    ['PREPEND, folds', "X-Fold: a\n\tb\n  c\n\n", ['prepend', 0, 'X-Copy', " a\n\tb\n  c"]],
    ['PREPEND, no line of its own', "X-Cut: a\n\tx\n\n", ['prepend', 0, 'X-Copy', " a\n\tX-Injected: yes"]],
    ['PREPEND, behind a line end', "X-Cut: a\n x\n\n", ['prepend', 0, 'X-Copy', " a\n X-Injected: yes"]],
    ['REPLACE, CR', "X-Cr: a\rb\n\n", ['replace', 0, 'X-Cr', ' [ab]']],
    ['REPLACE', "X-Rep: 1\nB: c\nX-Rep: 2\n 3\n\n", ['replace', 0, 'X-Rep', ' <1>'], ['replace', 2, 'X-Rep', " <2\n 3>"]],
    ['REPLACE, another name', "A: b\nX-Name: 1\n\n", ['replace', 1, 'X-Other', '']],
    ['IGNORE', "X-Ign:1\nA: b\nX-Ign:  2\n\n", ['ignore', 0, 'X-Ign', '1'], ['ignore', 2, 'X-Ign', '  2']],
    ['STRIP', "X-Strip: 1\n\n", ['strip', 0, 'X-Strip', ' 1']],
    ['PREPEND of no field', "X-Bad: x\n\n"],
    ['HOLD once, BCC', "X-Hold: 1\nX-Hold: 2\nX-Bcc: 1\nX-Bcc: 2\n\n", ['hold', undef, undef, 'look'], ['bcc', undef, undef, 'copy@else.example']],
    ['REDIRECT ends it', "X-Ign: 1\nX-Redir: 1\nX-Ign: 2\n\n", ['ignore', 0, 'X-Ign', ' 1'], ['redirect', undef, undef, 'to@else.example']],
    ['a field of mime_header_checks, too', "A: b\nContent-ID: 1\nX-Ign: 1\n\n", ['replace', 1, 'Content-ID', ' <1>'], ['ignore', 2, 'X-Ign', ' 1']],
    ['nothing of a refused mail', "X-Ign: 1\nX-Reject: 1\n\n"],
    ['a part: once a rule, at the end', "A: b\nContent-Type: multipart/mixed; boundary=b\n\n--b\nX-Part: 1\nX-Ign: 1\n\n--b\nX-Part: 2\nX-Pre: 1\n\n--b--\n",
        ['prepend', 2, 'X-Parts', ' 1'], ['prepend', 3, 'X-DEBUGO', 'WARN']],
);
is_deeply(edits($conf, $_->[1]), [@$_[2 .. $#$_]], $_->[0]) for @cases;
is_deeply(edits("${conf}part_prepend = off\n", $cases[-1][1]), [], 'part_prepend = off');
is_deeply(edits("body_checks = pcre:$edits\n", "A: b\n\nX-Pre: 1\nX-Ign: 2\n"), [], 'nothing in the body');
is_deeply(edits("$conf" . "sender_restrictions = check_sender_access static:{PREPEND X-Top: t}\n", "X-Pre: 1\n\n", '--rcpt', 'c@d.example'),
    [['prepend', 0, 'X-Top', ' t'], ['prepend', 0, 'X-DEBUGO', 'WARN']], 'a PREPEND of access(5) beside');

is_deeply(edits("$conf" . "sender_restrictions = check_sender_access static:{HOLD s}\n", "X-Hold: 1\n\n", '--rcpt', 'c\@d.example'),
    [['hold', undef, undef, '<>: Sender address s']], 'what is held already is not held again');

my $path = write_file('milter.conf', "postfix_config_directory =\nauthentication_results =\n$conf");
my $mail = mail("A: b\nX-Ign: 1\nX-Rep: 2\nC: d\nE: f\nG: h\nI: j\nK: l\nM: n\nO: p\nX-Name: m\nX-Pre: n\n\nbody\n");
my ($out, $err, $status) = run_tamis('', 'test', '-c', $path, '-v', $mail);
is($status, 0, 'test');
is($out =~ s/\A.*?(?=^---)//msr, <<"END" , 'a unified diff');
--- $mail
+++ $mail
\@\@ -1,6 +1,5 \@\@
 A: b
-X-Ign: 1
-X-Rep: 2
+X-Rep: <2>
 C: d
 E: f
 G: h
\@\@ -8,5 +7,6 \@\@
 K: l
 M: n
 O: p
-X-Name: m
+X-Other:
+X-DEBUGO:WARN
 X-Pre: n
accept
END
like($err, qr{^tamis: NOQUEUE: replace: header X-Rep: 2 from unknown\[192\.0\.2\.1\]; rule=\Q$edits\E:5 from=<>: X-Rep: <2>$}m, 'a log line');

# --- what check says of values
my $odd = write_file('odd', <<'END');
/a/ PREPNED X: y
/b/ PREPEND nothing
/c/ FILTER smtp:x
/d/ 550 no
/e/ BCC nobody
/f/ REJECT 2.0.0 x
/g(.)/ $1
/h/ IGNORE
/i/ OK
/j(.)/ PREPEND $1
/k/ REJECT 5.7.999999 x
/l/ REJECT 5.7.1
/m/ REJECT 4.7.1 x
/n/ REJECT 2. Auflage
/o/ REJECT 3.7.1 x
/p/ REJECT 5.7 x
/q/ REJECT 5.7.1x
/r/ REJECT 2.7.1
/s/ REJECT 5.999.999 x
/t/ REJECT
/u/ REJECT 10.5 is too much
END
$out = check("header_checks = pcre:$odd\nbody_checks = pcre:$odd\n");
my @want = (
    [1, 'warning', '/a/: "PREPNED" is no action of header_checks(5); skipped when it fires; did you mean PREPEND'],
    [2, 'warning', '/b/: PREPEND needs a header field, "Name: text"; skipped when it fires'],
    [3, 'warning', '/c/: FILTER cannot be done by a milter: keep this rule in Postfix; skipped when it fires'],
    [4, 'warning', '/d/: 550 is an action of access tables only: write REJECT TEXT; skipped when it fires'],
    [5, 'warning', '/e/: BCC needs user@domain; skipped when it fires'],
    [6, 'warning', '/f/: REJECT with a code of class 2 refuses with 451 4.0.0 x'],
    [11, 'warning', '/k/: 5.7.999999 is no enhanced status code: it is sent as text, behind 550 5.7.1'],
    [12, 'warning', '/l/: REJECT with a code and no text: write one, with REJECT 5.7.1 the client is told nothing more'],
    [15, 'warning', '/o/: 3.7.1 is no enhanced status code: it is sent as text, behind 550 5.7.1'],
    [16, 'warning', '/p/: 5.7 is no enhanced status code: it is sent as text, behind 550 5.7.1'],
    [18, 'warning', '/r/: REJECT with a code of class 2 refuses with 451 4.7.1 '],
    [8, 'warning', '/h/: IGNORE cannot be done in body_checks by a milter: keep this rule in Postfix; skipped when it fires'],
);
like($out, qr{^\Q$odd:$_->[0]: $_->[1]: $_->[2]\E$}m, "check: line $_->[0]") for @want;
unlike($out, qr{^\Q$odd\E:(?:[79]|1[3479]|2[01]): }m, 'check: nothing of the others');
is(scalar(() = $out =~ /a milter does not change headers inside a body/g), 1, 'check: one note a table');
like(check("header_checks = nonsense\n"), qr/^\S+milter\.conf:2: error: .*nonsense/m, 'check: no table');
like(check("header_checks = pcre:/nowhere/at/all\n"), qr{^\S+milter\.conf:2: error: .*/nowhere/at/all}m, 'check: no file');

# --- the MTA's own Received field
my $own = write_file('own', "/^Received: from \\S+ \\(\\S+ \\[\\S+\\]\\)(.*)/ REPLACE Received: from x\$1\n"
    . "/^Received: from y/ IGNORE\n/^(X-A|Received):/ STRIP\n/^Received: z/ REPLACE X-A: b\n/^X-A:/ IGNORE\n");
my $rules = "outgoing_header_checks = pcre:$own\noutgoing_hide_client = rules\n";
my @out = ('--client', '127.0.0.1', '--helo', 'h.example', '--rcpt', 'a@b.example');

sub own_edits {
    my ($conf, @args) = @_;
    my $edits = edits($conf, "X-A: 1\nReceived: from y\n\nbody\n", @args);
    $_->[3] =~ s/; \w{3}, .*/; DATE/ for grep { defined $_->[3] } @$edits;
    return $edits;
}
my $by = "\n\tby mx.test.example (Postfix) with ESMTP\n\tfor <a\@b.example>; DATE";
my $host = "myhostname = mx.test.example\n";
is_deeply(own_edits($host . $rules, @out),
    [['replace', undef, 'Received', " from x$by"], ['strip', 0, 'X-A', ' 1'], ['ignore', 1, 'Received', ' from y']],
    'outgoing_hide_client = rules');
is_deeply(own_edits("${host}outgoing_hide_client = yes\n", @out),
    [['replace', undef, 'Received', " from [127.0.0.1] (localhost [127.0.0.1])$by"]], 'outgoing_hide_client = yes');
is_deeply(own_edits("${host}outgoing_hide_client = yes\n", '--rcpt', 'a@b.example'), [], 'incoming');
my $told = check($rules);
like($told, qr/own:$_->[0]: warning: $_->[1] does nothing to the Received field/, "check: line $_->[0]")
    for [2, 'IGNORE'], [3, 'STRIP'], [4, 'REPLACE'];
unlike($told, qr/own:[15]: /, 'check: the others are fine');
like($told, qr/milter\.conf:\d+: note: .*smtpd_hide_client_session/, 'check: what Postfix offers');
like(check("outgoing_hide_client = rules\n"), qr/milter\.conf:2: warning: .*no outgoing_header_checks/, 'check: no rules');
$told = check("outgoing_header_checks = pcre:$own\n");
like($told, qr/own:$_: note: a milter is not shown/, "check: not shown to line $_") for 1 .. 4;
unlike($told, qr/smtpd_hide_client_session/, 'check: nothing to offer');
unlike(check("header_checks =\n"), qr/Received/, 'check: silence');

done_testing;
