#!/usr/bin/perl
# 3-dkim-sign - who signs: tables, logins, networks, modes; and signatures over the header as it will be delivered
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use FindBin;
use lib "$FindBin::Bin/lib";
use JSON::PP ();
use Tamis::Session;
use Test::More;

alarm 240;

my $python = '/usr/bin/python3';
my $has_dkimpy = system("$python -c 'import dkim, nacl' 2>/dev/null") == 0;
my $dir = workdir();
my $site = "postfix_config_directory =\nmyhostname = mx.home.example\nmydomain = home.example\nmyorigin = home.example\n"
    . "mydestination = home.example\nmynetworks = 10.0.0.0/8\n";

# Keys, and a zone in which they are published.
my @domains = qw(one.example two.example home.example);
my $zone = '';
for my $domain (@domains) {
    mkdir "$dir/$domain" or die "$dir/$domain: $!";
    my ($out, $err, $status) = run_tamis('', 'dkim', 'genkey', '-d', $domain, '-s', 'k', '-t', 'both', '-D', "$dir/$domain");
    is($status, 0, "keys of $domain") or diag $err;
    my $text = join '', map { slurp_file("$dir/$domain/k$_.txt") } '', '-ed25519';
    $text =~ s/^(\S+)\s/$1.$domain. /mg;
    $zone .= $text;
}
write_file('zone', $zone);

sub slurp_file {
    my ($path) = @_;
    open my $in, '<:raw', $path or die "$path: $!";
    local $/;
    return scalar <$in>;
}

# Plays a mail: its steps about signing, its log, and the mail as it would be delivered.
sub play {
    my ($conf, $mail, @args) = @_;
    my $file = write_file('milter.conf', $site . $conf);
    my $eml = write_file('mail.eml', $mail);
    my ($json, $err, $status) = run_tamis('', 'test', '--json', '-c', $file, '--zone', "$dir/zone", '--rcpt', 'x@far.example', @args, $eml);
    diag "$status: $err" if $status ne '0';
    my ($plain) = run_tamis('', 'test', '-c', $file, '--zone', "$dir/zone", '--rcpt', 'x@far.example', @args, $eml);
    my $said = JSON::PP->new->decode($json);
    return { %$said, log => $err, mail => patched($mail, $plain),
        signing => [map { "$_->{question}: $_->{answer}" } grep { $_->{restriction} eq 'dkim signature' } @{ $said->{steps} }] };
}

# The mail, with the printed diff of its header put into it.
sub patched {
    my ($mail, $printed) = @_;
    my ($head, $body) = $mail =~ /\A(.*?\n)(\n.*)\z/s ? ($1, $2) : die 'no body';
    my @old = split /^/, $head;
    my ($at, @new) = (0);
    my @lines = split /^/, $printed;
    shift @lines while @lines && $lines[0] !~ /^\@\@ /;
    for my $line (@lines) {
        if ($line =~ /^\@\@ -(\d+)(?:,(\d+))? /) {
            my $from = defined $2 && $2 == 0 ? $1 : $1 - 1;
            push @new, @old[$at .. $from - 1];
            $at = $from;
        } elsif ($line =~ /^[ +]/) {
            push @new, substr $line, 1;
            $at++ if $line =~ /^ /;
        } elsif ($line =~ /^-/) {
            $at++;
        } else {
            last;
        }
    }
    return join('', @new, @old[$at .. $#old]) . $body;
}

# What tamis, as the receiver, says of each signature of a mail.
sub verdicts {
    my ($mail) = @_;
    my $said = play("authentication_results = dkim\n", $mail, '--client', 'far.example[192.0.2.9]');
    my ($field) = grep { $_->{name} eq 'Authentication-Results' } @{ $said->{edits} };
    return join ' ', map { s/.*=//r } $field->{value} =~ /(dkim=\w+)/g;
}

# The same by dkimpy, which asks the zone's text.
write_file('verify.py', <<'END');
import re, sys, dkim
zone = {}
for name, text in re.findall(r'(?ms)^(\S+)\s+IN\s+TXT\s+\((.*?)\)', open(sys.argv[1]).read()):
    zone[name.encode()] = ''.join(re.findall('"([^"]*)"', text)).encode()
mail = open(sys.argv[2], 'rb').read().replace(b'\n', b'\r\n')
d = dkim.DKIM(mail)
count = sum(1 for n, v in d.headers if n.lower() == b'dkim-signature')
print(' '.join('pass' if d.verify(idx=i, dnsfunc=lambda n, timeout=5: zone.get(n)) else 'fail' for i in range(count)))
END
sub dkimpy {
    my ($mail) = @_;
    my $eml = write_file('signed.eml', $mail);
    chomp(my $out = `$python $dir/verify.py $dir/zone $eml 2>&1`);
    return $out;
}

sub verifies {
    my ($mail, $want, $name) = @_;
    is(verdicts($mail), $want, "$name: tamis says so");
  SKIP: {
        skip 'no dkimpy', 1 if !$has_dkimpy;
        is(dkimpy($mail), $want, "$name: dkimpy says so");
    }
}

my @head = ("To: x\@far.example\n", "Subject: a subject\n", "Date: Sun, 22 Nov 2026 08:00:00 +0000\n", "Message-ID: <1\@one.example>\n");
sub mail { my ($from) = @_; return "From: $from\n" . join('', @head) . "\nbody\n\n \n.\n" }

sub path { my ($domain, $ed) = @_; return "$dir/$domain/k" . ($ed ? '-ed25519' : '') . '.private' }
my $one = "signing_key = one.example:k:" . path('one.example') . "\n";
my $both = "signing_key = one.example:k:" . path('one.example') . ", one.example:k-ed25519:" . path('one.example', 1) . "\n";
my $all = 'signing_key = ' . join(', ', map { "$_:k:" . path($_) } @domains) . "\n";
sub signed { return [map { /(.*?)(-ed)?\z/ ? 'k' . ($2 ? '-ed25519' : '') . "._domainkey.$1: signed" : () } @_] }
my @net = ('--client', 'pc.home.example[10.1.2.3]');

# --- which table, which keys
write_file('KeyTable', "# names\none one.example:k:" . path('one.example') . "\none-ed one.example:k-ed25519:"
    . path('one.example', 1) . "\ntwo two.example:k:" . path('two.example') . "\nany %:k:$dir/%/k.private\n");
write_file('SigningTable', "a\@one.example one,one-ed\none.example one\n.two.example two\n");
write_file('refile', "*\@one.example one\n*\@one.example one-ed\n*\@*.example two\n");
write_file('KeyList', "*\@one.example:one.example:$dir/one.example/k\n*\@two.example:two.example:k:" . path('two.example') . "\n");
my $tables = "key_table = $dir/KeyTable\n";
for my $row (
    ['signing_key', $one, 'a@one.example', ['one.example']],
    ['signing_key, two keys', $both, 'a@one.example', ['one.example', 'one.example-ed']],
    ['signing_key, another domain', $one, 'a@two.example', []],
    ['signing_key, a subdomain', $one, 'a@sub.one.example', []],
    ['signing_key, a name in front', $one, '"A, B" (c) <A@ONE.example>', ['one.example']],
    ['signing_table, an address', "${tables}signing_table = $dir/SigningTable\n", 'a@one.example', ['one.example', 'one.example-ed']],
    ['signing_table, a domain', "${tables}signing_table = file:$dir/SigningTable\n", 'b@one.example', ['one.example']],
    ['signing_table, a domain above', "${tables}signing_table = $dir/SigningTable\n", 'b@sub.two.example', ['two.example']],
    ['signing_table, nobody', "${tables}signing_table = $dir/SigningTable\n", 'b@two.example', []],
    ['refile:, two rows', "${tables}signing_table = refile:$dir/refile\n", 'b@one.example', ['one.example', 'one.example-ed']],
    ['refile:, another row', "${tables}signing_table = refile:$dir/refile\n", 'b@three.example', ['two.example']],
    ['refile:, multiple_signatures', "multiple_signatures = yes\n${tables}signing_table = refile:$dir/refile\n", 'b@one.example',
        ['one.example', 'one.example-ed', 'two.example']],
    ['key_list', "key_list = $dir/KeyList\n", 'b@one.example', ['one.example']],
    ['key_list, four fields', "key_list = $dir/KeyList\n", 'b@two.example', ['two.example']],
    ['key_list, nobody', "key_list = $dir/KeyList\n", 'b@home.example', []],
) {
    my ($name, $conf, $from, $want) = @$row;
    my $said = play($conf, mail($from), @net);
    is_deeply($said->{signing}, signed(@$want), $name);
    verifies($said->{mail}, join(' ', ('pass') x @$want), $name) if @$want;
    is($said->{mail}, mail($from), "$name: nothing is changed") if !@$want;
}

# --- who may
sub not_signed { my ($why) = @_; return ["not signed: $why"] }
write_file('senders', "boss\@one.example anna, bert\n\@two.example bert\none.example everybody\nhelp anna\n");
my $senders = "signing_senders = texthash:$dir/senders\n";
for my $row (
    ['a listed network', '', 'a@one.example', \@net, ['one.example']],
    ['a stranger', '', 'a@one.example', ['--client', 'x.example[192.0.2.1]'], []],
    ['login user@dom, its domain', '', 'a@one.example', ['--auth', 'b@one.example'], ['one.example']],
    ['login USER@DOM, its domain', '', 'a@one.example', ['--auth', 'B@ONE.Example'], ['one.example']],
    ['login user@dom, another domain', '', 'a@two.example', ['--auth', 'b@one.example'], 'login b@one.example, From two.example'],
    ['login user@dom on a listed network', '', 'a@two.example', [@net, '--auth', 'b@one.example'], 'login b@one.example, From two.example'],
    ['login user, our domain', '', 'a@home.example', ['--auth', 'anna'], ['home.example']],
    ['login user, another domain', '', 'a@one.example', ['--auth', 'anna'], 'login anna, From one.example'],
    ['table, the address', $senders, 'boss@one.example', ['--auth', 'anna'], ['one.example']],
    ['table, the address is of others', $senders, 'boss@one.example', ['--auth', 'everybody'], 'login everybody, From one.example'],
    ['table, the domain', $senders, 'x@two.example', ['--auth', 'bert'], ['two.example']],
    ['table, the domain is of others', $senders, 'x@two.example', ['--auth', 'anna'], 'login anna, From two.example'],
    ['table, not even user@dom', $senders, 'x@two.example', ['--auth', 'x@two.example'], 'login x@two.example, From x@two.example'],
    ['table, a user of ours', $senders, 'help@home.example', ['--auth', 'anna'], ['home.example']],
    ['outgoing by its network', "outgoing = 192.0.2.0/24\n", 'a@one.example', ['--client', 'x.example[192.0.2.1]'], ['one.example']],
    ['two addresses', '', 'a@one.example, b@two.example', \@net, '2 addresses in the From field'],
    ['two From', '', "a\@one.example\nFrom: b\@two.example", \@net, '2 From fields'],
    ['an address literal', '', 'a@[192.0.2.1]', \@net, 'From [192.0.2.1], which is no domain'],
    ['nobody', '', '', \@net, 'no address in the From field'],
) {
    my ($name, $conf, $from, $args, $want) = @$row;
    my $said = play($all . $conf, mail($from), @$args);
    my $why = ref $want ? undef : $want;
    is_deeply($said->{signing}, defined $why ? not_signed($why) : signed(@$want), "$name: the step");
    is_deeply([$said->{log} =~ /: (dkim: .*)/g], [defined $why ? "dkim: not signed: $why" : ()], "$name: the log");
    is($said->{mail} =~ /^DKIM-Signature:/ ? 'signed' : 'not signed', ref $want && @$want ? 'signed' : 'not signed', "$name: the mail");
}
is_deeply(play($all, "Subject: x\n\nbody\n", @net)->{signing}, not_signed('no From field'), 'no From');

# --- modes; what is refused
for my $mode (qw(observe annotate enforce)) {
    is_deeply(play("${one}mode = $mode\n", mail('a@one.example'), @net)->{signing}, signed('one.example'), "mode = $mode: tamis test always enforces");
}
my $refused = play("${one}end_of_data_restrictions = reject\n", mail('a@one.example'), @net);
is($refused->{action}, 'reject', 'a mail that is refused');
is_deeply([$refused->{signing}, $refused->{edits}], [[], []], 'is not signed');
write_file('hc', "/^Subject: bad/ REJECT no\n/^Subject: gone/ DISCARD\n");
for my $subject (qw(bad gone)) {
    $refused = play("${one}header_checks = regexp:$dir/hc\n", mail('a@one.example') =~ s/a subject/$subject/r, @net);
    is_deeply([$refused->{signing}, $refused->{edits}], [[], []], "Subject: $subject: not signed");
}

# --- the header as it will be delivered
write_file('edits', <<'END');
/^Subject: (.*)/    REPLACE Subject: [list] $1
/^To:/              PREPEND X-Above: To
/^Date:/            PREPEND Cc: y@far.example
/^X-Gone:/          IGNORE
/^Reply-To:/        STRIP
/^X-From: (.*)/     REPLACE From: $1
/^From:.*old/       IGNORE
END
my $edits = "header_checks = regexp:$dir/edits\n";
my $access = "sender_restrictions = check_sender_access static:{PREPEND Reply-To: r\@one.example}\n";
my $odd = "From: a\@one.example\nX-Gone: 1\nReceived: from a\n\tby b; today\nto:\tx\@far.example,\n y\@far.example \nSUBJECT: A  long\n  subject\t\n"
    . "Reply-To: old\@one.example\nDate: Sun, 22 Nov 2026 08:00:00 +0000\nSubject: again\nContent-Type: text/plain;\n\tcharset=\"utf-8\"\n"
    . "X-8bit: \xe4\xff \xc3\xa4\nX-Empty:\n\nDear  all, \t\n\n\xe4\n  \n\n\n";
for my $canon (qw(simple/simple simple/relaxed relaxed/simple relaxed/relaxed simple)) {
    my $conf = "${both}dkim_canonicalization = $canon\n";
    for my $row (['no edits', '', $odd], ['REPLACE, PREPEND, IGNORE, STRIP', $edits, $odd], ['PREPEND by access(5)', $access, $odd],
        ['both', $edits . $access, $odd], ['no body', $edits, "From: a\@one.example\n\n"]) {
        my ($name, $rules, $mail) = @$row;
        my $said = play($conf . $rules, $mail, @net, '--from', 'a@one.example');
        is_deeply($said->{signing}, signed('one.example', 'one.example-ed'), "$canon, $name: both sign");
        verifies($said->{mail}, 'pass pass', "$canon, $name");
        next if $name ne 'both';
        like($said->{mail}, qr/\ADKIM-Signature: [^;]*; a=rsa-sha256;.*^DKIM-Signature: [^;]*; a=ed25519-sha256;.*^Reply-To: r\@one.*^Subject: \[list\] again$/ms,
            "$canon: what was asked for is there, the RSA key on top");
        unlike($said->{mail}, qr/X-Gone|old\@/, "$canon: and what was to go is gone");
        my $changed = $said->{mail} =~ s/again/anew/r;
        verifies($changed, 'fail fail', "$canon: another subject");
        verifies("Subject: on top\n$said->{mail}", 'fail fail', "$canon: one more subject");
        verifies("X-New: on top\n$said->{mail}", 'pass pass', "$canon: one more field that is not signed");
    }
}
# The author as he will be read is who signs.
my $said = play($all . $edits, "From: old\@one.example\nX-From: new\@two.example\nTo: x\@far.example\n\nbody\n", @net);
is_deeply($said->{signing}, signed('two.example'), 'a From that rules put in its place');
verifies($said->{mail}, 'pass', 'a From that rules put in its place');

# --- headers that nobody expects
for my $row (
    ['500 To', join('', map { "To: u$_\@far.example\n" } 1 .. 500) . "From: a\@one.example\n"],
    ['200 of each', join('', map { "$_: x\n" x 200 } qw(Subject To Cc X-Other Received)) . "From: a\@one.example\n"],
    ['a field of 60 kB', "To: " . join(",\n ", map { "user$_\@far.example" } 1 .. 3000) . "\nFrom: a\@one.example\n"],
    ['a line of 60 kB', 'Subject: ' . 'x' x 60000 . "\nFrom: a\@one.example\n"],
    ['blanks only', "Subject: \t \nTo:\nCc:\n \t\n x\nFrom:\n\ta\@one.example\n"],
    ['another case', "FROM:a\@ONE.Example\nsUBJECT:x\n"],
    ['a blank in front of the colon', "From: a\@one.example\nSubject : x\nTo\t: y\n"],
    ['comments in From', "From: (x) \"a\\\"b\" (y) <\@r.example:a\@one.example> (z)\n"],
) {
    my ($name, $head) = @$row;
    for my $canon (qw(simple/simple relaxed/relaxed)) {
        my $said = play("${both}dkim_canonicalization = $canon\n", "$head\nbody\n", @net);
        is_deeply($said->{signing}, signed('one.example', 'one.example-ed'), "$name, $canon: both sign");
        verifies($said->{mail}, 'pass pass', "$name, $canon");
    }
}

my $endless = "From: a\@one.example\n" . "X: y\n" x 100_000 . "Subject: x\n\nbody\n";
is_deeply(play($one, $endless, @net)->{signing}, not_signed('more header fields than anybody can need'), 'more than 100,000 fields: not signed');

# --- settings
$said = play("${one}dkim_signature_ttl = 1d\n", mail('a@one.example'), @net);
my ($t, $x) = $said->{mail} =~ /\bt=(\d+);\s*x=(\d+);/;
is(($x // 0) - ($t // 0), 86400, 'dkim_signature_ttl');
verifies($said->{mail}, 'pass', 'dkim_signature_ttl');
$said = play("${one}dkim_sign_headers = Subject\ndkim_oversign_headers =\n", mail('a@one.example'), @net);
like($said->{mail}, qr/\bh=From:Subject;|\bh=Subject:From;/, 'dkim_sign_headers: From is always signed');
verifies($said->{mail} =~ s/^To: .*/To: z/mr, 'pass', 'dkim_sign_headers: what is not signed may change');
my $forged = "Authentication-Results: mx.home.example; dkim=pass header.d=one.example\n" . mail('a@one.example');
$said = play($one, $forged, @net);
unlike($said->{mail}, qr/^Authentication-Results/m, 'a forged field goes from outgoing mail');
verifies($said->{mail}, 'pass', 'and its signature is good');

done_testing;
