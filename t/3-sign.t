#!/usr/bin/perl
# 3-sign - what we sign, libopendkim and dkimpy verify
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use IPC::Open2;
use Test::More;

alarm 280;
my $builddir = $ENV{builddir} // '.';
my $python = '/usr/bin/python3';
my $rounds = $ENV{LONG} ? 1000 : 200;
my $has_dkimpy = -x $python && system("$python -c 'import dkim, nacl' 2>/dev/null") == 0;
diag 'dkimpy is not asked: python3-dkim is missing' unless $has_dkimpy;

# One mail a line comes in, "NAME=RECORD ... HEX"; for each of its signatures 1 or 0 goes out.
my $DKIMPY = <<'END';
import sys, dkim
for line in sys.stdin:
    *records, text = line.rstrip("\n").split("\t")
    zone = {name: record for name, record in (r.split(" ", 1) for r in records)}
    mail = bytes.fromhex(text)
    def ask(name, timeout=5):
        return zone[name.decode().rstrip(".")].encode()
    out = []
    for i in range(mail.split(b"\r\n\r\n")[0].count(b"DKIM-Signature:")):
        try:
            out.append("1" if dkim.DKIM(mail).verify(idx=i, dnsfunc=ask) else "0")
        except Exception as e:
            out.append(type(e).__name__)
    print(" ".join(out), flush=True)
END

my ($from_us, $to_us, $from_dkimpy, $to_dkimpy);
open2($from_us, $to_us, "$builddir/t/lib/dkim_sign_ask");
open2($from_dkimpy, $to_dkimpy, $python, '-c', $DKIMPY) if $has_dkimpy;

sub escape { my ($text) = @_; $text =~ s/([%\x00-\x1f])/sprintf '%%%02X', ord $1/ge; return $text }
sub unescape { my ($text) = @_; $text =~ s/%(..)/chr hex $1/ge; return $text }
sub tell_us { print {$to_us} join("\t", map { escape($_) } @_), "\n"; return }

sub ask_us {
    tell_us(@_);
    $to_us->flush;
    my $line = <$from_us> // die "the driver ended at: @_\n";
    chomp $line;
    return map { unescape($_) } split /\t/, $line;
}

my %record = map { $_->[0] => $_->[1] } (
    ['rsa', 'v=DKIM1; k=rsa; p=' . (ask_us('generate', 'rsa', 2048))[0]],
    ['small', 'v=DKIM1; p=' . (ask_us('generate', 'small', 1024))[0]],
    ['ed', 'v=DKIM1; k=ed25519; p='
        . (ask_us('key', 'ed', 'nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A='))[0]],
);

sub ask_dkimpy {
    my ($mail) = @_;
    my @records = map { "$_._domainkey.example.org $record{$_}" } sort keys %record;
    print {$to_dkimpy} join("\t", @records, unpack 'H*', $mail), "\n";
    $to_dkimpy->flush;
    my $line = <$from_dkimpy> // die "dkimpy ended\n";
    chomp $line;
    return $line;
}

# As it goes over the wire.
sub wire {
    my ($headers, @chunks) = @_;
    my $head = join '', map { "$_->[0]:$_->[1]\n" } @$headers;
    $head =~ s/\n/\r\n/g;
    my $body = join '', @chunks;
    $body .= "\r\n" if $body ne '' && $body !~ /\n\z/;
    return "$head\r\n$body";
}

# Says what is wrong, or ''. A mail is its headers, [name, value], and the body's chunks.
sub trouble {
    my ($mail, $canon, $keys, %more) = @_;
    my ($headers, @chunks) = @$mail;
    tell_us('mail');
    tell_us('header', @$_) for @$headers;
    tell_us('body', $_) for @chunks;
    my @values = ask_us('sign', $canon, 'example.org', $more{identity} // '', $more{ttl} // 0,
        @$keys);
    my @signed = map { ['DKIM-Signature', $_] } @values;
    my $form = join '', map { "DKIM-Signature:$_\n" } @values;
    return "a line is too long: $form" if $form =~ /^.{79}/m;
    my $want = join ' ', map { "$_:pass" } @$keys;
    my $lib = $more{not_lib} && $canon =~ $more{not_lib} ? $want : (ask_us('verify', @values))[0];
    return "libopendkim: $lib" if $lib ne $want;
    return '' if !$has_dkimpy;
    my $py = ask_dkimpy(wire([@signed, @$headers], @chunks));
    return $py eq join(' ', ('1') x @$keys) ? '' : "dkimpy: $py";
}

my @canons = map { my $h = $_; map { "$h/$_" } qw(simple relaxed) } qw(simple relaxed);

sub all_pass {
    my ($name, $mail, %more) = @_;
    for my $canon (@canons) {
        for my $keys (['rsa'], ['small'], ['ed'], ['rsa', 'ed']) {
            my $trouble = trouble($mail, $canon, $keys, %more);
            is($trouble, '', "$name, $canon, @$keys");
        }
    }
    return;
}

my @plain = (['From', ' Alice <alice@example.org>'], ['To', ' bob@example.net'],
    ['Subject', ' Dinner'], ['Date', ' Fri, 11 Jul 2003 21:00:37 -0700'],
    ['Message-ID', ' <1@example.org>']);

all_pass('plain', [\@plain, "Hi.\r\n\r\nJoe.\r\n"]);
all_pass('identity and expiry', [\@plain, "Hi.\r\n"], identity => 'a=;b c@sub.example.org',
    ttl => 2_000_000_000);
all_pass('empty body', [\@plain]);
all_pass('body of empty lines', [\@plain, "\r\n\r\n"]);
all_pass('no final CRLF', [\@plain, "Hi.\r\nJoe"]);
all_pass('trailing blanks', [\@plain, "Hi. \t\r\n \t\r\n  Joe  \t x \r\n\r\n \r\n\r\n"]);
all_pass('8 bits', [[@plain, ['Comments', " caf\xc3\xa9 \xff"],
    ['Sender', " \xe9 <a\@example.org>"]], "caf\xe9 \xc3\xa9 \xff\xfe\r\n"]);
all_pass('long lines', [[@plain, ['References', ' ' . '<x@example.org> ' x 200]],
    'word  ' x 20000, "\r\n", 'x' x 100000]);
all_pass('folded', [[['From', "\n Alice\n\t<alice\@example.org>"], ['Subject', " a \n  b\t\n\tc"],
    ['Content-Type', " text/plain;\n\tcharset=utf-8"], ['To', ' x@y.example,' . "\n z\@y.example"]],
    "Hi.\r\n"]);
all_pass('duplicates', [[@plain, ['Subject', ' second'], ['Received', ' a'],
    ['To', ' c@example.net'], ['Received', ' b'], ['SUBJECT', 'third'], ['References', ' 1'],
    ['references', '  2']], "Hi.\r\n"]);
all_pass('From alone', [[['From', ' a@example.org']], "Hi.\r\n"]);
all_pass('no blank behind the colon', [[map { [$_->[0], $_->[1] =~ s/^ //r] } @plain], "Hi.\r\n"]);
all_pass('odd names', [[@plain, ['mime-version', ' 1.0'], ['CC', ''], ['Reply-To', ' '],
    ['X-Odd!#$', ' 1']], "Hi.\r\n"]);
all_pass('many fields', [[@plain, map { ['References', " $_"] } 1 .. 150], "Hi.\r\n"]);
# To libopendkim a CR is at times white space, at times a line's end; not to RFC 6376, section 2.8,
# nor to dkimpy.
all_pass('a CR before CRLF', [\@plain, "a\r\r\n\r\r\n"], not_lib => qr{/simple});
all_pass('a lonely CR', [\@plain, "a\rb\r\r\n\rc \r d\r\n"], not_lib => qr{/relaxed});
all_pass('CRLF cut in two', [\@plain, "a \r", "\nb\r", "\n", "\r", "\n"]);

# What is oversigned cannot be added.
{
    tell_us('mail');
    tell_us('header', 'From', ' a@example.org');
    tell_us('body', "x\r\n");
    my ($value) = ask_us('sign', 'relaxed/relaxed', 'example.org', '', 0, 'ed');
    for my $name (qw(From To Cc Subject Date Message-ID Reply-To MIME-Version Content-Type)) {
        tell_us('mail');
        tell_us('header', $name, ' b@example.org');
        tell_us('header', 'From', ' a@example.org');
        tell_us('body', "x\r\n");
        my ($lib) = ask_us('verify', $value);
        isnt($lib, 'ed:pass', "another $name breaks the signature");
    }
    tell_us('mail');
    tell_us('header', $_, ' 1') for qw(Received X-Spam List-Id);
    tell_us('header', 'From', ' a@example.org');
    tell_us('body', "x\r\n\r\n");
    is((ask_us('verify', $value))[0], 'ed:pass', 'other fields and empty lines do not');
}

sub pick { return $_[rand @_] }

sub random_text {
    my ($most, @pieces) = @_;
    return join '', map { pick(@pieces) } 1 .. rand $most;
}

sub random_mail {
    my @names = (map({ $_->[0] } @plain), qw(Cc Reply-To References X-Other List-Id Received
        content-type Comments MIME-VERSION));
    my @words = ('a', 'Word', '  ', ' ', "\t", "\n ", "\n\t", ':', ';', '=', "\xe9", '"', 'x' x 30);
    my @headers = map { [pick(@names), pick('', ' ', '  ') . random_text(20, @words)] }
        1 .. rand 20;
    @headers = grep { lc $_->[0] ne 'from' } @headers;
    splice @headers, rand(@headers + 1), 0,
        ['From', random_text(3, ' ', "\n\t") . ' a@example.org'];
    my @pieces = ("\r\n", "\r\n", 'a', 'word', ' ', '  ', "\t", "\x80\xff", '.', '=', 'y' x 70);
    my @chunks = map { random_text(30, @pieces) } 1 .. rand 6;
    return [\@headers, @chunks];
}

my $seed = $ENV{SEED} // time;
srand $seed;
my @failed;
for my $n (1 .. $rounds) {
    my ($mail, $canon) = (random_mail(), pick(@canons));
    my $keys = pick(['rsa'], ['small'], ['ed'], ['rsa', 'ed']);
    my $trouble = trouble($mail, $canon, $keys);
    push @failed, "mail $n, $canon, @$keys: $trouble\n" . escape(wire(@$mail)) if $trouble ne '';
    last if @failed > 4;
}
ok(!@failed, "$rounds random mails (SEED=$seed)") or diag join "\n", @failed;

close $to_us;
close $to_dkimpy if $has_dkimpy;
done_testing;
