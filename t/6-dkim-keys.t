#!/usr/bin/perl
# 6-dkim-keys - keys change by themselves: the new one signs once its record is in the DNS, and status tells
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use lib "$ENV{srcdir}/t/lib";
use IPC::Open2 qw(open2);
use JSON::PP;
use Tamis::Filter;
use Tamis::Guard qw(run_command slurp spew temp_dir);
use Tamis::Live qw(live_mta);
use Test::More;

alarm 120;

my $dir = temp_dir();
my %record;
for my $selector (qw(old new)) {
    my ($status, undef, $err) = run_command([Tamis::Filter::tamis(), qw(dkim genkey -t ed25519
        -d example.org -D), $dir, '-s', $selector]);
    is $status, 0, "genkey $selector" or diag $err;
    $record{$selector} = join '', slurp("$dir/$selector.txt") =~ /"([^"]*)"/g;
}
utime time - 86400, time - 86400, "$dir/old.private";
chmod 0700, $dir;

# What the DNS says of both keys from now on.
sub publish {
    my (%answers) = @_;
    spew("$dir/script.new", join '', map { "$_._domainkey.example.org TXT ttl=0 $answers{$_}\n" }
        sort keys %answers);
    rename "$dir/script.new", "$dir/script" or die "rename: $!\n";
}
publish(old => qq("$record{old}"), new => 'nodata');
my $pid = open2(my $from, my $to, $^X, "-I$ENV{srcdir}/t/lib", '-MTamis::Dns', '-e',
    'Tamis::Dns::main', "$dir/script");
chomp(my $port = <$from>);

my $filter = Tamis::Filter->new(conf => <<"END")->start;
mode = enforce
dns_servers = 127.0.0.1\@$port
myhostname = mx.example.org
mynetworks = 192.0.2.0/24
signing_key = example.org:old:$dir/old.private, example.org:new:$dir/new.private
END

# The selectors in the signatures of a mail that goes out now.
sub signers {
    my $mta = live_mta($filter);
    $mta->mail('<a@example.org>', '{mail_addr}' => 'a@example.org', i => '4QKEYS');
    $mta->rcpt('<u@there.example>', '{rcpt_addr}' => 'u@there.example');
    $mta->data;
    my $reply = $mta->content("From: a\@example.org\nSubject: x\n\nbody\n");
    my @edits = grep { /DKIM-Signature/ } Tamis::Mta::edits($reply);
    $mta->quit;
    return join ' ', map { /\bs=([^;\s]+)/g } @edits;
}

# (exit status, keys by selector: "role record", text)
sub keys_of_status {
    my ($code, $json) = $filter->command('status', '--json');
    my $status = JSON::PP->new->decode($json);
    my %keys = map { $_->{name} =~ /^(\w+)\./ => "$_->{role}, $_->{record}" } @{ $status->{dkim}{keys} };
    my (undef, $text) = $filter->command('status');
    return ($code, \%keys, $text);
}

sub reload {
    my ($code) = $filter->command('reload');
    return is $code, 0, 'reload';
}

my ($code, $keys, $text) = keys_of_status();
is $code, 0, 'a key that waits is no trouble';
is_deeply $keys, { old => 'signs, ready', new => 'waits, no record' }, 'the old one signs, the new one waits';
like $text, qr/^DKIM keys   1 sign, 1 wait, 0 retired$/m, 'numbers';
like $text, qr/^  signs   old\._domainkey\.example\.org, ed25519-sha256, 256 bits, 1 days old: ready \d+ s ago$/m, 'a line each';
like $text, qr/^  waits   new\._domainkey\.example\.org, /m, 'the one that waits, too';
is signers(), 'old', 'and so it is';
ok $filter->wait_stderr(qr/dkim: the key new\._domainkey\.example\.org waits: /), 'syslog tells who waits';

publish(old => qq("$record{old}"), new => qq("$record{new}"));
is signers(), 'old', 'nobody asks for each mail';
reload();
($code, $keys) = keys_of_status();
is_deeply $keys, { old => 'retired, ready', new => 'signs, ready' }, 'its record is there: the new one signs';
is signers(), 'new', 'and so it is';
ok $filter->wait_stderr(qr/dkim: the key new\._domainkey\.example\.org signs$/), 'syslog tells';
ok $filter->wait_stderr(qr/dkim: the key old\._domainkey\.example\.org is retired: a newer key signs$/), 'of both';
reload();
is scalar(() = $filter->stderr =~ /dkim: the key new\S+ signs/g), 1, 'once';

publish(old => qq("$record{old}"), new => qq("$record{old}"));
reload();
($code, $keys, $text) = keys_of_status();
is $code, 1, 'a record that belongs to another key: degraded';
is_deeply $keys, { old => 'signs, ready', new => 'waits, another key\'s record' }, 'the old one signs again';
is signers(), 'old', 'and so it is';
like $text, qr/^degraded: /, 'the text says so';
like $text, qr/^  the DKIM key new\._domainkey\.example\.org signs nothing: /m, 'and names the reason';

$filter->set(mode => 'observe');
is $filter->stop, 0, 'the filter ends well';
$filter->start;
(undef, undef, $text) = keys_of_status();
like $text, qr/^DKIM keys   1 sign, 1 wait, 0 retired; mode = observe signs nothing$/m, 'observing, nothing is signed';
is signers(), '', 'and so it is';
is $filter->stop, 0, 'the filter ends well';
close $to;
waitpid $pid, 0;

done_testing();
