#!/usr/bin/perl
# 4-reload - policies change while mail flows: complete or not at all, and none is kept for ever
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Test::More;
use lib "$ENV{srcdir}/t/lib";
use Tamis::Guard qw(slurp spew wait_until);
use Tamis::Filter;
use Tamis::Live qw(live_filter live_mta play status_of);

alarm 300;

# A file that changes
my $filter = live_filter(set => { reload_on_change => 'yes' });
my $conf = $filter->dir . '/milter.conf';
my $good = slurp($conf);
my $generation = sub { status_of($filter)->{policy}{generation} };
is $generation->(), 1, 'the first policy';
spew($conf, "$good# changed\n");
ok wait_until(20, sub { $generation->() == 2 }), 'a changed file is loaded';
ok $filter->wait_stderr(qr/reloaded \(a file changed\): generation 2, \d+ files/), 'and said so';
spew("$conf.new", "$good# renamed\n");
rename "$conf.new", $conf;
ok wait_until(20, sub { $generation->() == 3 }), 'a file that was replaced by rename';

# A bad one
my $mta = live_mta($filter);
spew($conf, "${good}no_such_parameter_at_all = BAD\nthis is no assignment\n");
ok wait_until(20, sub { status_of($filter)->{exit} == 1 }), 'a bad file: status says so';
my $status = status_of($filter);
is $status->{state}, 'degraded', 'degraded';
is $status->{policy}{generation}, 3, 'the policy before stays in force';
like $status->{reload}{first_error}, qr/milter[.]conf/, 'the first error is named';
ok $filter->wait_stderr(qr/reload refused \(a file changed\), generation 3 stays in force: \d+ error/),
    'and logged';
my ($reply, @texts) = play($mta, '<reject@example.org>', '<bob@example.org>');
is_deeply \@texts,
    ['554 5.7.1 <reject@example.org>: Recipient address rejected: 100% no: été', 'ok'], 'mail goes on as before';
my ($exit, $out, $err) = $filter->command('reload');
is $exit, 78, 'tamis reload: refused';
like "$out$err", qr/milter[.]conf:\d+: error: /, 'tamis reload: each problem with its place';
unlink $conf;
spew($conf, $good);
ok wait_until(20, sub { status_of($filter)->{exit} == 0 }), 'mended: fine again';
my $said = () = $filter->stderr =~ /reload refused \(a file changed\)/g;
is $said, 1, 'the bad file was said once';
$mta->quit;

# Many reloads, many messages: every connection has one policy, whole.
my @connections = map { live_mta($filter) } 1 .. 8;
my $wrong = 0;
for my $round (1 .. 60) {
    $filter->signal($round % 2 ? 'USR1' : 'HUP');
    for my $slot (0 .. $#connections) {
        ($reply, @texts) = play($connections[$slot], '<reject@example.org>', '<prep@example.org>');
        $wrong++ if $texts[0] !~ /^554 / || $texts[1] ne 'ok' || $reply->{action} ne 'continue'
            || join(' ', Tamis::Mta::edits($reply)) ne 'insheader 0 X-A:b';
        next if ($round + $slot) % 3;
        $connections[$slot]->quit;
        $connections[$slot] = live_mta($filter);
    }
}
is $wrong, 0, 'reloads under load: 480 messages, each judged as it should be';
$_->quit for @connections;
ok wait_until(20, sub { !status_of($filter)->{connections}{now} }), 'no connection is left';
is $filter->stop, 0, 'ends';
unlike $filter->stderr, qr/Sanitizer|runtime error/, 'no sanitizer spoke';

# All that can become of a policy file; as nobody, so that one can be unreadable
my $user = $> == 0 ? 'nobody' : '';
my $named = "mode = enforce\nrecipient_restrictions = check_recipient_access texthash:rcpt\n";
$filter = Tamis::Filter->new(set => { reload_on_change => 'yes', user => $user, log_file => '' },
    conf => $named, files => { rcpt => rule('one') });
my $dir = $filter->dir;
chmod 0755, $dir;
chown((getpwnam $user)[2, 3], $dir) if $user;
$filter->start;
my ($number, $refused, $table) = (1, 0, "$dir/rcpt");

sub rule { return "x\@example.org REJECT $_[0]\n" }

sub answer {
    my $mta = live_mta($filter);
    my (undef, $text) = play($mta, '<x@example.org>');
    $mta->quit;
    return $text =~ s/.*rejected: //r;
}

sub taken {
    my ($text, $what) = @_;
    my $status;

    $number++;
    wait_until(20, sub { $status = status_of($filter); $status->{policy}{generation} == $number && !$status->{exit} });
    is "$status->{policy}{generation} $status->{exit} " . answer(), "$number 0 $text", "$what: taken";
}

sub refused {
    my ($pattern, $text, $what) = @_;
    my $status;

    $refused++;
    wait_until(20, sub { $status = status_of($filter); $status->{exit} && $status->{reload}{first_error} =~ $pattern });
    like $status->{reload}{first_error}, $pattern, "$what: refused, and status says why";
    is "$status->{policy}{generation} $status->{exit} " . answer(), "$number 1 $text", "$what: the policy before answers";
    is scalar(() = $filter->stderr =~ /reload refused \(a file changed\)/g), $refused, "$what: said once";
}

spew($table, rule('two'));
taken('two', 'a changed table');
unlink $table;
refused(qr{rcpt: no such file}, 'two', 'deleted');
spew($table, rule('three'));
taken('three', 'there again');
SKIP: {
    skip 'root can read all that it is given, others cannot become nobody', 4 if !$user;
    chmod 0, $table;
    refused(qr{rcpt: permission denied}, 'three', 'unreadable');
    chmod 0644, $table;
    taken('three', 'readable again');
}
unlink $table;
mkdir $table;
refused(qr{rcpt: is a directory}, 'three', 'a directory in its place');
rmdir $table;
spew("$dir/$_", rule($_)) for qw(four five);
symlink 'four', $table;
taken('four', 'a link in its place');
symlink 'five', "$table.new";
rename "$table.new", $table;
taken('five', 'the link switched');
spew("$dir/five", rule('six'));
taken('six', 'what the link names');

# Files that only the refused configuration names
spew("$dir/milter.conf", $named =~ s/rcpt$/later/mr);
refused(qr{later: no such file}, 'six', 'a table that is not there yet');
spew("$dir/later", rule('seven'));
taken('seven', 'the table that was missing');
spew("$dir/milter.conf", "${named}mynetworks = $dir/nets\n");
refused(qr{nets: no such file}, 'seven', 'a list that is not there yet');
spew("$dir/nets", "10.0.0.0/8 $dir/more\n");
refused(qr{nets:1: .*more: no such file}, 'seven', 'a list in a list');
spew("$dir/more", "192.0.2.1/24\n");
refused(qr{more:1: .*192\.0\.2\.0/24}, 'seven', 'a bad network in it');
spew("$dir/more", "192.0.2.0/24\n");
taken('six', 'the list mended');

# Written again and again, with pauses that are shorter than it has to be still
for my $try (1 .. 10) {
    spew("$dir/five", rule("still $try"));
    select undef, undef, undef, 0.3;
}
wait_until(20, sub { answer() eq 'still 10' });
is answer(), 'still 10', 'what was written last is taken';
is $filter->stop, 0, 'ends';
unlike $filter->stderr, qr/Sanitizer|runtime error/, 'no sanitizer spoke';

done_testing;
