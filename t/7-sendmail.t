#!/usr/bin/perl
# 7-sendmail - behind a real Sendmail with Debian's sendmail.mc: what clients hear, what is delivered, what is logged
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";
use Fcntl ();
use POSIX ();
use IO::Select;
use IO::Socket::INET;
use IPC::Open2;
use MIME::Base64 qw(encode_base64);
use Tamis::Filter;
use Tamis::Guard qw(at_end in_child run_command slurp spew stop_process temp_dir);
use Tamis::NameServer qw(name_server_missing);
use Tamis::PrivateNet qw(private_net private_network);
use Tamis::Programs qw(server_file);
use Tamis::Sendmail qw(sendmail_missing);
use Tamis::Smtp;
use Test::More;

# Sendmail has no XCLIENT, and asks the libc for names: clients are addresses of a network
# of the test's own, whose name server is the test's. Its local users are in a passwd of the test's.
alarm 100;
if (my $why = sendmail_missing() // name_server_missing() // private_net()) {
    plan skip_all => $why;
}
private_network('192.0.2') or plan skip_all => "no address on lo: $!";
my $dir = temp_dir();
my $users = join '', map { "$_:x:2000:2000::/nonexistent:/bin/false\n" }
    qw(bob eve boss copy hold redirect bcc discard prepend defer no accent);
is((run_command(['mount', '--bind', spew("$dir/passwd", slurp('/etc/passwd') . $users), '/etc/passwd']))[0], 0, 'local users');

my ($made, undef, $trouble) = run_command([$ENV{TAMIS} // './tamis', 'dkim', 'genkey', '-d', 'sign.example', '-s', 'k', '-t', 'both', '-D', $dir]);
is($made, 0, 'keys') or BAIL_OUT($trouble);
my $key = join '', map { slurp("$dir/$_.txt") =~ s/^(\S+_domainkey)\s/$1.sign.example. /r } qw(k k-ed25519);
my $dns = Tamis::NameServer->new(port => 53, zones => { '.' => $key . <<'END' })->start;
10.2.0.192.in-addr.arpa. PTR client.example.
client.example.          A   192.0.2.10
11.2.0.192.in-addr.arpa. PTR forged.example.
forged.example.          A   192.0.2.99
test.example.            A   127.0.0.1
mx.test.example.         A   127.0.0.1
sender.example.          A   192.0.2.10
sender.example.          TXT "v=spf1 ip4:192.0.2.10 -all"
sign.example.            A   192.0.2.10
far.example.             A   192.0.2.10
END

# --- filters: the one that is meant, one that answers early, one that signs --------------------------
my %set = (myhostname => 'mx.test.example', myorigin => 'test.example', mydestination => 'test.example', mynetworks => '192.0.2.77',
    dns_servers => '127.0.0.1');
my $filter = Tamis::Filter->new(set => { %set, log_mta_rejects => 'yes', log_message_id => 'yes', authentication_results => 'iprev, spf, dkim' },
    files => { rcpt => <<'END', hc => <<'END', body => <<'END', client => <<'END' }, conf => <<'END')->start;
no@test.example        REJECT 100% no
accent@test.example    550 5.7.1 été
defer@test.example     DEFER later
discard@test.example   DISCARD
hold@test.example      HOLD to be read first
redirect@test.example  REDIRECT boss@test.example
bcc@test.example       BCC copy@test.example
prepend@test.example   PREPEND X-Top: 1
END
/^X-Above:/    PREPEND X-New: above
/^X-Same: o/   REPLACE X-Same:new
/^X-Other:/    REPLACE X-Else: else
/^X-Gone:/     IGNORE
/^X-Bad:/      REJECT 5.7.9 no such field
/^X-Later:/    REJECT 4.7.9 not now
END
/^spam$/       REJECT spam
END
client.example         DUNNO
192.0.2.12             PREPEND X-Twelve: 1
END
client_restrictions = check_client_access texthash:client
recipient_restrictions = check_recipient_access texthash:rcpt
header_checks = regexp:hc
body_checks = regexp:body
END
my $early = Tamis::Filter->new(set => { %set, delay_reject => 'no', authentication_results => '' },
    files => { client => "192.0.2.20 REJECT not you\n192.0.2.21 450 4.7.1 not now\n192.0.2.22 421 4.7.1 go away\n",
        helo => "bad.example REJECT 100% bad\nslow.example 450 4.7.2 wait\n", sender => "bad\@sender.example REJECT bad sender\nlater\@ 450 4.1.8 wait\n" },
    conf => <<'END');
client_restrictions = check_client_access texthash:client, reject_unknown_reverse_client_hostname
helo_restrictions = check_helo_access texthash:helo
sender_restrictions = check_sender_access texthash:sender
END
my $signer = Tamis::Filter->new(socket => 'unix', set => { %set, authentication_results => '', mynetworks => '192.0.2.30', outgoing => 'daemon_name:sign',
    signing_key => "sign.example:k:$dir/k.private, sign.example:k-ed25519:$dir/k-ed25519.private" })->start;

# An old Sendmail, which no filter can ask for macros: a relay that takes SMFIF_SETSYMLIST out of the
# MTA's offer. Returns its port.
sub old_way {
    my ($to) = @_;
    my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 8) or die "relay: $!\n";
    my $pid = fork() // die "fork: $!\n";

    if ($pid) {
        at_end('relay', sub { stop_process($pid, 'KILL', 5) });
        return $listener->sockport;
    }
    in_child();
    POSIX::setsid();
    while (my $mta = $listener->accept) {
        my $filter = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $to) or next;
        my $select = IO::Select->new($mta, $filter);
        my $offer = '';
        $mta->read($offer, 17);
        substr($offer, 9, 4) = pack 'N', unpack('N', substr $offer, 9, 4) & ~0x100;
        syswrite $filter, $offer;
        RELAY: while (1) {
            for my $from ($select->can_read) {
                sysread($from, my $bytes, 65536) or last RELAY;
                syswrite $from == $mta ? $filter : $mta, $bytes;
            }
        }
    }
    POSIX::_exit(0);
}

# --- Sendmail: the stock file, and the lines that README and milter.conf(5) tell to add ---------------
my $times = 'F=T, T=C:30s;S:30s;R:30s;E:5m';
my $sasl = login_setup();
my $old = old_way($filter->{port});
my ($macros) = slurp("$ENV{srcdir}/man/tamis.8") =~ /^(define\(`confMILTER_MACROS_CONNECT'.*?)^\.Ed/ms;
my $mta = Tamis::Sendmail->new(aliases => "gone: nosuch\n", access => "Connect:192.0.2.30 RELAY\nFrom:refused\@sender.example REJECT\n",
    listeners => { early => 'InputMailFilters=early', sign => 'InputMailFilters=signer', old => 'InputMailFilters=old', six => 'Family=inet6, Addr=::1' },
    mc => <<"END" . $sasl);
INPUT_MAIL_FILTER(`tamis', `S=inet:$filter->{port}\@127.0.0.1, $times')dnl
MAIL_FILTER(`early', `S=inet:$early->{port}\@127.0.0.1, $times')dnl
MAIL_FILTER(`old', `S=inet:$old\@127.0.0.1, $times')dnl
$macros
MAIL_FILTER(`signer', `S=local:$signer->{dir}/milter.sock, $times')dnl
END
$early->set(outgoing => 'daemon_port:' . $mta->port('early'));
# As the service user owns them where tamis drops root.
chown((getpwnam 'nobody')[2, 3], $signer->{dir}, "$signer->{dir}/milter.sock");
$_->start for $early, $mta;

# A password for who logs in, kept as libsasl's sasldb keeps it. Lines for sendmail.mc.
sub login_setup {
    my $tree = server_file('usr/lib') // '';
    my @plugins = grep { -e "$_/libplain.so" || -e "$_/libsasldb.so" } glob "$tree/*/sasl2 /usr/lib/*/sasl2";
    return '' if !eval { require DB_File; 1 };
    tie my %db, 'DB_File', "$dir/sasldb2", Fcntl::O_RDWR() | Fcntl::O_CREAT(), 0600 or return '';
    $db{"bob\0mx.test.example\0userPassword"} = 'secret';
    untie %db;
    spew("$dir/Sendmail.conf", "pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: $dir/sasldb2\nmech_list: PLAIN\n");
    return "define(`confAUTH_MECHANISMS', `PLAIN')dnl\nLOCAL_CONFIG\nESASL_CONF_PATH=$dir\nESASL_PATH=" . join(':', @plugins) . "\n";
}

sub row {
    my ($of, $id) = @_;
    my ($row) = $of->wait_sql(1, "SELECT * FROM decision WHERE queue_id = '$id'");
    return $row;
}

sub recipients {
    my ($of, $id) = @_;
    my ($row) = $of->wait_sql(1, "SELECT id FROM decision WHERE queue_id = '$id'");
    return join ' ', map { "$_->{address}=$_->{action}" } $of->sql("SELECT * FROM recipient WHERE id = $row->{id} ORDER BY n");
}

sub play { return Tamis::Smtp->play(port => $mta->port, local => '192.0.2.10', mail => '<s@sender.example>', rcpt => ['<bob@test.example>'], @_) }
sub id_of { return ($_[0]{reply} // '') =~ /^250 2\.0\.0 (\S+) Message accepted/ ? $1 : "none: $_[0]{reply}" }

my $head = "From: S <s\@sender.example>\nTo: bob\@test.example\nSubject: s\nDate: Sun, 22 Nov 2026 08:00:00 +0000\nMessage-ID: <1\@sender.example>\n";
my ($mails, $mail, $id) = (0);

# The next mail of the sink, without the fields that tell a time: Return-Path, Sendmail's Received.
sub arrived {
    my @mails = $mta->mails(++$mails);
    my $mail = $mails[$mails - 1] or return { message => '', recipients => [], sender => '' };
    return { %$mail, message => $mail->{message} =~ s/\r\n/\n/gr =~ s/^Return-Path: <.*>\n//r =~ s/^Received: from .*\n(?:\t.*\n)*//mr };
}

# --- every verdict, as a client hears it ------------------------------------------------------------
my $said = play(message => "$head\nbody\n");
is($said->{mail}, '250 2.1.0 <s@sender.example>... Sender ok', 'MAIL');
is($said->{rcpt}[0], '250 2.1.5 <bob@test.example>... Recipient ok', 'RCPT');
is($said->{end} =~ s/ \w{14} / ID /r, '250 2.0.0 ID Message accepted for delivery', 'end of message');
my $results = <<'END';
Authentication-Results: mx.test.example;
	iprev=pass policy.iprev=192.0.2.10 (client.example);
	spf=none smtp.helo=client.test.example;
	spf=pass smtp.mailfrom=sender.example;
	dkim=none
END
is(arrived()->{message}, "$results$head\nbody\n", 'accepted: our field on top, all else as it was sent');
my $row = row($filter, id_of($said));
is_deeply([@$row{qw(action client_name client_addr helo sender recipients stage direction message_id enforced)}],
    ['accept', 'client.example', '192.0.2.10', 'client.test.example', 's@sender.example', 'bob@test.example', 'END-OF-MESSAGE',
        'incoming', '<1@sender.example>', 1], 'the row');

for my $scene (
    ['no', '554 5.7.1 <no@test.example>: Recipient address rejected: 100% no'],
    # Sendmail names the recipient once more, but for 551, 552, 554, and takes the eighth bit away.
    ['defer', '450 4.7.1 <defer@test.example>... <defer@test.example>: Recipient address rejected: later'],
    ['accent', '550 5.7.1 <accent@test.example>... <accent@test.example>: Recipient address rejected: C)tC)'],
) {
    my ($user, $reply) = @$scene;
    $said = play(rcpt => ["<$user\@test.example>"], message => "$head\n");
    is($said->{reply}, $reply, "$user: at RCPT");
}
for my $scene (
    ['a header', "X-Bad: 1\n$head\nbody\n", '550 5.7.9 no such field', 'reject'],
    ['a header, for now', "X-Later: 1\n$head\nbody\n", '451 4.7.9 not now', 'tempfail'],
    ['the body', "$head\nspam\n", '550 5.7.1 spam', 'reject'],
) {
    my ($what, $message, $reply, $action) = @$scene;
    $said = play(message => $message);
    is($said->{end}, $reply, "$what: at the end of the message");
}
$said = play(rcpt => ['<bob@test.example>', '<no@test.example>', '<eve@test.example>'], message => "$head\nbody\n");
is_deeply([map { /^(\d+ \S+)/ } @{ $said->{rcpt} }], ['250 2.1.5', '554 5.7.1', '250 2.1.5'], 'one of three recipients is refused');
is_deeply([sort map { @{ arrived()->{recipients} } } 1, 2], ['bob', 'eve'], 'the other two get it');
is(recipients($filter, id_of($said)), 'bob@test.example=accept no@test.example=reject eve@test.example=accept', 'and so says the log');

# --- what becomes of a message ----------------------------------------------------------------------
$said = play(rcpt => ['<discard@test.example>'], message => "$head\nbody\n");
is(row($filter, id_of($said))->{action}, 'discard', 'DISCARD: accepted, and gone');
$said = play(rcpt => ['<hold@test.example>'], message => "$head\nbody\n");
is(row($filter, id_of($said))->{held}, 1, 'HOLD');
is(join(' ', $mta->queued('hf')), 'hf' . id_of($said), 'in quarantine');
like(slurp($mta->queue_directory . '/hf' . id_of($said)), qr/^q<hold\@test\.example>: Recipient address to be read first$/m, 'for the reason');
$mta->sendmail(['-qQ', '-Q'], '', 'sendmail');
is_deeply([map { /^(hf|qf)/ ? $1 : () } $mta->queued('*' . id_of($said))], ['qf'], 'and let go by sendmail -qQ -Q');
$said = play(rcpt => ['<redirect@test.example>', '<bob@test.example>'], message => "$head\nbody\n");
is_deeply(arrived()->{recipients}, ['boss'], 'REDIRECT: to nobody else');
is(row($filter, id_of($said))->{redirected}, 'boss@test.example', 'and logged');
$said = play(rcpt => ['<bcc@test.example>'], message => "$head\nbody\n");
is_deeply([sort map { @{ arrived()->{recipients} } } 1, 2], ['bcc', 'copy'], 'BCC: to both');
$said = play(rcpt => ['<prepend@test.example>'], message => "$head\nbody\n");
is(arrived()->{message}, "${results}X-Top: 1\n$head\nbody\n", 'PREPEND of a recipient');

# --- header edits, to the byte ----------------------------------------------------------------------
my $edited = <<'END';
Received: from a
	by b; Sun, 22 Nov 2026 07:00:00 +0000
X-Same: o1
X-Above:
 folded
	twice 
X-Keep:no blank
X-Gone: 1
Received: from c by d; Sun, 22 Nov 2026 07:00:00 +0000
X-Same:  keep  
X-Other: 1
X-Same: o2
X-Gone: 2
X-Other: 2
Subject:  s 
From: S <s@sender.example>
X-Above: 2
Date: Sun, 22 Nov 2026 08:00:00 +0000
Message-ID: <1@sender.example>
X-Same: keep
END
$said = play(message => "$edited\nbody\n");
is(arrived()->{message}, $results . <<'END', 'fifteen fields, nine edits') or diag slurp($filter->{dir} . '/stderr');
Received: from a
	by b; Sun, 22 Nov 2026 07:00:00 +0000
X-Same:new
X-New: above
X-Above:
 folded
	twice 
X-Keep:no blank
Received: from c by d; Sun, 22 Nov 2026 07:00:00 +0000
X-Same:  keep  
X-Else: else
X-Same:new
X-Else: else
Subject:  s 
From: S <s@sender.example>
X-New: above
X-Above: 2
Date: Sun, 22 Nov 2026 08:00:00 +0000
Message-ID: <1@sender.example>
X-Same: keep

body
END
$said = play(message => "X-Above: 1\nX-Other: 2\n\nbody\n");
$mail = arrived();
$id = id_of($said);
like($mail->{message}, qr/\A\Q$results\EDate: .*\nFrom: s\@sender\.example\nMessage-Id: <.*>\nX-New: above\nX-Above: 1\nX-Else: else\n\nbody\n\z/,
    'fields that Sendmail adds stand above') or diag $mail->{message};
my $many = join '', map { "X-$_: $_\n" } 1 .. 1000;
$said = play(message => "$head${many}X-Above: 2\n\nbody\n");
is(arrived()->{message}, "$results$head${many}X-New: above\nX-Above: 2\n\nbody\n", 'a thousand fields');

# --- who the client is ------------------------------------------------------------------------------
for my $scene (['192.0.2.11', 'unknown', 'iprev=fail reason="forged.example does not resolve to 192.0.2.11" policy.iprev=192.0.2.11 (forged.example)'], ['192.0.2.12', 'unknown', 'iprev=permerror reason="no reverse name" policy.iprev=192.0.2.12']) {
    my ($address, $name, $iprev) = @$scene;
    $said = play(local => $address, message => "$head\nbody\n");
    is_deeply([@{ row($filter, id_of($said)) }{qw(client_name client_addr)}], [$name, $address], "$address: the client's name");
    $mail = arrived();
    my ($result) = $mail->{message} =~ /\A(?:X-.*\n)?Authentication-Results: mx\.test\.example;\n\t(.*);\n/;
    is($result, $iprev, "$address: iprev") or diag $mail->{message};
    is($mail->{message} =~ /^X-Twelve: 1$/m ? 1 : 0, $address =~ /12/ ? 1 : 0, "$address: rules for the client");
}

$said = play(port => $mta->port('old'), local => '192.0.2.12', rcpt => ['<no@test.example>', '<bob@test.example>'], message => "X-A: 1\nX-Above: 1\n$head\nbody\n");
is($said->{rcpt}[0], '554 5.7.1 <no@test.example>: Recipient address rejected: 100% no', 'an old Sendmail with the macros of tamis(8): a rule for a recipient');
like(arrived()->{message}, qr/^X-A: 1\nX-New: above\nX-Above: 1\n\Q$head\E\nbody\n/m, 'the place of a field');
is_deeply([@{ row($filter, id_of($said)) }{qw(client_name client_addr)}], ['unknown', '192.0.2.12'], 'the client');

$said = play(port => $mta->port('six'), address => '::1', local => '::1', message => "$head\nbody\n");
arrived();
is_deeply([@{ row($filter, id_of($said)) }{qw(client_name client_addr)}], ['localhost', '::1'], 'a client with IPv6');

# --- answers before RCPT: of CONNECT Sendmail takes the class, of HELO the text, for all that follows ----
sub early { return play(port => $mta->port('early'), message => "$head\nbody\n", @_) }
$said = early(local => '192.0.2.20');
is(join(' | ', @$said{qw(greeting mail)}), '554 mx.test.example ESMTP not accepting messages | 550 5.0.0 Command rejected', 'REJECT of a client');
$said = early(local => '192.0.2.21');
like($said->{greeting}, qr/^220 /, '450 for a client: greeted');
is($said->{mail}, '451 4.3.2 Please try again later', 'and put off');
is(early(local => '192.0.2.22')->{greeting}, '421 4.7.0 mx.test.example closing connection', '421 for a client');
is(early(local => '192.0.2.12')->{mail}, '451 4.3.2 Please try again later', 'a client without a reverse name is none whose name is its address');
is(early(ehlo => 'bad.example')->{mail}, '554 5.7.1 <bad.example>: Helo command rejected: 100% bad', 'REJECT of a name');
is(early(ehlo => 'slow.example')->{mail}, '450 4.7.2 <slow.example>: Helo command rejected: wait', '450 for a name');
is(early(mail => '<bad@sender.example>')->{reply}, '554 5.7.1 <bad@sender.example>: Sender address rejected: bad sender', 'REJECT of a sender');
is(early(mail => '<later@sender.example>')->{reply}, '450 4.1.8 <later@sender.example>... <later@sender.example>: Sender address rejected: wait', '450 for a sender');
like(early()->{reply}, qr/^250 2\.0\.0 /, 'all others are served');
arrived();
is_deeply([map { "$_->{stage} $_->{client_addr} $_->{action}" } my @early = $early->wait_sql(9, 'SELECT * FROM decision ORDER BY id')],
    ['CONNECT 192.0.2.20 reject', 'CONNECT 192.0.2.21 tempfail', 'CONNECT 192.0.2.22 tempfail', 'CONNECT 192.0.2.12 tempfail',
        'HELO 192.0.2.10 reject', 'HELO 192.0.2.10 tempfail', 'MAIL 192.0.2.10 reject', 'MAIL 192.0.2.10 tempfail',
        'END-OF-MESSAGE 192.0.2.10 accept'], 'a row each');
is($early[-1]{direction}, 'outgoing', 'the listener is known by its port');

# --- several messages in one session, a transaction that is given up --------------------------------
my ($before) = map { $_->{n} } $filter->sql('SELECT count(*) AS n FROM decision');
my $smtp = Tamis::Smtp->new($mta->port, local => '192.0.2.10');
my @ids;
$smtp->command($_) for 'EHLO a.example', 'MAIL FROM:<given.up@sender.example>', 'RCPT TO:<bob@test.example>', 'RSET';
for my $number (1, 2, 3) {
    $smtp->command($_) for "MAIL FROM:<s$number\@sender.example>", 'RCPT TO:<bob@test.example>', 'RCPT TO:<no@test.example>', 'DATA';
    push @ids, id_of({ reply => $smtp->message("$head\nmessage $number\n") });
    like(arrived()->{message}, qr/^message $number$/m, "message $number");
}
$smtp->command($_) for 'MAIL FROM:<refused@sender.example>', 'RCPT TO:<bob@test.example>', 'RSET', 'MAIL FROM:<nobody@sender.example>', 'RCPT TO:<no@test.example>';
$smtp->quit;
is_deeply([map { "$_->{sender} $_->{action}" } $filter->wait_sql(6, "SELECT * FROM (SELECT * FROM decision ORDER BY id LIMIT -1 OFFSET $before)")],
    ['given.up@sender.example aborted', map({ "s$_\@sender.example accept" } 1 .. 3), 'refused@sender.example aborted', 'nobody@sender.example reject'],
    'a row each') or diag explain [$filter->sql('SELECT * FROM decision ORDER BY id')];

# --- what Sendmail refuses itself: of its own accord it is told, by its rulesets it is not -----------
$said = play(rcpt => ['<nosuch@test.example>', '<bob@test.example>', '<far@elsewhere.example>'], message => "$head\nbody\n");
is_deeply($said->{rcpt}, ['550 5.1.1 <nosuch@test.example>... User unknown', '250 2.1.5 <bob@test.example>... Recipient ok',
    '550 5.7.1 <far@elsewhere.example>... Relaying denied'], 'refused by Sendmail');
is_deeply(arrived()->{recipients}, ['bob'], 'one gets it');
is(recipients($filter, id_of($said)), 'nosuch@test.example=reject bob@test.example=accept', 'the log has whom Sendmail does not know');
ok($filter->wait_stderr(qr/: mta-reject: RCPT from client\.example\[192\.0\.2\.10\]: 550 5\.1\.1 User unknown; from=<s\@sender\.example> to=<nosuch\@test\.example>/), 'and says why');

# --- submission: Debian's listener MSP-v4 wants a login, told by {auth_authen} --------------------------
SKIP: {
    skip 'no DB_File', 4 if $sasl eq '';
    my $login = Tamis::Smtp->new($mta->port('submission'), local => '192.0.2.10');
    skip 'libsasl2-modules is missing', 4 if $login->command('EHLO a.example') !~ /^250-AUTH PLAIN$/m;
    $login->command('MAIL FROM:<s@sender.example>');
    is($login->last_reply, '530 5.7.0 Authentication required', 'MAIL without a login');
    is($login->command('AUTH PLAIN ' . encode_base64("\0bob\@mx.test.example\0secret", '')), '235 2.0.0 OK Authenticated', 'AUTH');
    $login->command($_) for 'MAIL FROM:<s@sender.example>', 'RCPT TO:<bob@test.example>', 'DATA';
    $id = id_of({ reply => $login->message("$head\nbody\n") });
    is_deeply([@{ row($filter, $id) }{qw(login direction client_addr)}], ['bob@mx.test.example', 'outgoing', '192.0.2.10'], 'who logged in');
    is(arrived()->{message}, "$head\nbody\n", 'outgoing: no results in it');
    $login->quit;
}

# --- sendmail(1): by submit.cf to port 25, from 127.0.0.1; without it no filter sees the mail --------
my ($status, $printed) = $mta->sendmail(['-i', '-f', 's@sender.example', 'bob@test.example'], "$head\nby sendmail\n");
is("$status$printed", '0', 'sendmail is silent');
like(arrived()->{message}, qr/^by sendmail$/m, 'delivered');
($row) = $filter->wait_sql(1, "SELECT * FROM decision WHERE client_addr = '127.0.0.1'");
is_deeply([@$row{qw(client_name helo sender recipients action)}], ['localhost', 'mx.test.example', 's@sender.example', 'bob@test.example', 'accept'],
    'it came over SMTP');
($status, $printed) = $mta->sendmail(['-i', '-Am', '-odi', '-f', 'direct@sender.example', 'bob@test.example'], "$head\nby the daemon's file\n", 'sendmail');
is("$status$printed", '0', 'sendmail -Am is silent');
like(arrived()->{message}, qr/^by the daemon's file$/m, 'delivered');

# sendmail -bs in a pipe is no SMTP client: lists are not asked, the content is.
sub on_pipe {
    my $pid = open2(my $out, my $in, $mta->{program}, '-bs', '-C', "$mta->{dir}/sendmail.cf");
    my @replies;
    for my $command ('', @_) {
        print $in $command =~ s/\n/\r\n/gr, "\r\n" if length $command;
        $in->flush;
        while (defined(my $line = <$out>)) {
            push @replies, $line =~ s/\r?\n\z//r if $line =~ /^\d+ /;
            last if $line =~ /^\d+ /;
        }
    }
    close $in;
    waitpid $pid, 0;
    return @replies;
}
my @replies = on_pipe('EHLO x.example', 'MAIL FROM:<pipe@sender.example>', 'RCPT TO:<no@test.example>', 'DATA', "$head\nfrom a pipe\n.", 'QUIT');
is($replies[3], '250 2.1.5 <no@test.example>... Recipient ok', 'sendmail -bs: the lists are not asked');
like(arrived()->{message}, qr/\A\Q$head\E\nfrom a pipe\n\z/, 'delivered');
is_deeply([@{ row($filter, id_of({ reply => $replies[5] })) }{qw(action direction client_addr)}], ['accept', 'outgoing', 'unknown'], 'outgoing');
@replies = on_pipe('EHLO x.example', 'MAIL FROM:<pipe@sender.example>', 'RCPT TO:<bob@test.example>', 'DATA', "X-Bad: 1\n$head\nfrom a pipe\n.", 'QUIT');
is($replies[5], '550 5.7.9 no such field', 'its header is looked at');

# --- a bounce, which no filter sees -----------------------------------------------------------------
$said = play(mail => '<bob@test.example>', rcpt => ['<gone@test.example>'], message => "$head\nbody\n");
$mail = arrived();
is("$mail->{sender}|@{ $mail->{recipients} }", '|bob', 'a bounce');
is(row($filter, id_of($said))->{action}, 'accept', 'its cause is logged');

# --- signed on the way out, by a listener of that name ----------------------------------------------
my $from = "From: Anna <a\@sign.example>\nTo: u\@far.example\nSubject: s\nDate: Sun, 22 Nov 2026 08:00:00 +0000\nMessage-ID: <1\@sign.example>\n";
my @scenes = (
    ['plain', "$from\nbody\n"],
    ['no Date, no Message-ID, no To', "From: a\@sign.example\nSubject: s\n\nbody\n"],
    ['addresses', "From: \"Anna, A.\" <a\@sign.example>\nTo: b\@far.example, <c\@far.example>, D (d) <d\@far.example>\nCc: E <e\@far.example>,\n f\@far.example\nSubject: s\n\nbody\n"],
    # It writes lists of addresses anew, after the filters.
    ['addresses in another form', "From: a\@sign.example\nTo: b\@far.example,c\@far.example\nSubject: s\n\nbody\n", 'False False'],
    ['dots', "$from\n.\n..\n.x\n\n. \n"],
    ['no body', "$from\n"],
    ['blank lines at the end', "$from\na\n\n \n\n\n"],
    ['8-bit', "Subject: \xc3\xa4\xff\n$from\n\xe4\xf6\xfc \xff\n"],
    ['lines of 900', "$from\n" . ('x' x 900 . "\n") x 20],
    ['long header lines', "X-Long: " . join(' ', map { "word$_" } 1 .. 300) . "\nTo: " . join(",\n ", map { "u$_\@far.example" } 1 .. 200) . "\n$from\nbody\n"],
    ['folds and blanks', "X-A:  b  \nsubject:\n folded\n\t twice \t\nTO:u\@far.example\nReceived: from x\n\tby y; Sun, 22 Nov 2026 07:00:00 +0000\n$from\nbody\n"],
    ['fields that Sendmail drops', "Bcc: x\@far.example\nReturn-Path: <q\@sign.example>\nContent-Length: 5\n$from\nbody\n"],
    ['200 kB', "$from\n" . join('', map { "line $_ " . 'z' x 60 . "\n" } 1 .. 3000)],
);
my @signed;
for my $scene (@scenes) {
    my ($name, $message) = @$scene;
    $said = play(port => $mta->port('sign'), local => '192.0.2.30', mail => '<a@sign.example>', rcpt => ['<u@far.example>'], message => $message);
    my @all = $mta->mails(++$mails);
    push @signed, $all[-1]{message};
    is(row($signer, id_of($said))->{direction}, 'outgoing', "$name: taken");
}
SKIP: {
    my $python = '/usr/bin/python3';
    skip 'no dkimpy', @scenes + 1 if !-x $python || (run_command([$python, '-c', 'import dkim, nacl']))[0] != 0;
    my %zone = map { /^(\S+)_domainkey\S*\s/ ? ("$1_domainkey.sign.example" => join '', /"([^"]*)"/g) : () } map { slurp("$dir/$_.txt") } qw(k k-ed25519);
    my $records = join ', ', map { "b'$_.': b'$zone{$_}'" } sort keys %zone;
    my ($status, $out, $err) = run_command([$python, '-c', <<"END"], stdin => join '', map { unpack('H*', $_) . "\n" } @signed);
import sys, dkim
zone = {$records}
for line in sys.stdin:
    mail = bytes.fromhex(line.strip())
    count = mail.split(b'\\r\\n\\r\\n')[0].count(b'DKIM-Signature:')
    print(' '.join(str(dkim.DKIM(mail).verify(idx=i, dnsfunc=lambda n, timeout=5: zone[n])) for i in range(count)))
END
    is($err, '', 'dkimpy');
    my @verdicts = split /\n/, $out;
    is($verdicts[$_], $scenes[$_][2] // 'True True', "$scenes[$_][0]: both signatures") or diag substr $signed[$_], 0, 1500 for 0 .. $#scenes;
}

# --- and back in, where they are verified -----------------------------------------------------------
$said = play(message => $signed[0] =~ s/\r\n/\n/gr);
$mail = arrived();
like($mail->{message}, qr/^\tdkim=pass [^;]* header\.s=k [^;]*;\n\tdkim=pass [^;]* header\.s=k-ed25519 /m, 'verified') or diag $mail->{message};

row($filter, id_of($said));
is_deeply([$filter->sql("SELECT * FROM decision WHERE sender IN ('', 'direct\@sender.example')")], [], 'neither the bounce nor mail of sendmail -Am was shown to tamis');

is(($filter->command('replay', '--since', '1d'))[0], 0, 'a replay of all that changes nothing');

is($early->stop, 0, 'tamis ends well');
is(early()->{mail}, '451 4.3.2 Please try again later', 'F=T: mail is put off while the filter is away');
ok($mta->stop, 'Sendmail ends');
is($_->stop, 0, 'tamis ends well') for $filter, $signer;
unlike(join('', map { $_->stderr } $filter, $early, $signer), qr/Sanitizer|runtime error|libmilter refuses/, 'nothing went wrong');
done_testing;
