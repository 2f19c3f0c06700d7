#!/usr/bin/perl
# 2-cmd-postfix - tamis postfix beside a postconf that is only played
# SPDX-License-Identifier: BSD-2-Clause
use strict;
use warnings;
use Cwd qw(abs_path);
use File::Temp qw(tempdir);
use JSON::PP;
use Test::More;

alarm 60;
my $tamis = $ENV{TAMIS} or plan skip_all => 'TAMIS is not set';
plan skip_all => 'this tamis has no subcommand postfix'
    unless `'$tamis' postfix --help 2>&1` =~ /usage: tamis postfix/;

my $dir = tempdir(CLEANUP => 1);
my $item = '{ inet:localhost:8894, default_action=tempfail, command_timeout=30s }';

sub file {
    my ($name, $text) = @_;
    open my $out, '>', "$dir/$name" or die "$dir/$name: $!";
    print $out $text;
    close $out or die "$dir/$name: $!";
    return "$dir/$name";
}

# Answers -n, -M, -P and a list of names from files; writes down how it was called.
mkdir "$dir/bin" or die;
chmod 0755, file('bin/postconf', <<"EOS");
#!/bin/sh
echo "\$*" >> '$dir/calls'
case "\$*" in
    *-n*) cat '$dir/set';;
    *-M*) cat '$dir/services';;
    *-P*) cat '$dir/overrides';;
    *) echo 'mail_version = 3.7.11'; echo 'queue_directory = /var/spool/postfix'
       echo 'config_directory = /etc/postfix'; echo 'milter_default_action = tempfail';;
esac
EOS

sub tamis { return tamis_in('.', @_) }

sub tamis_in {
    my ($where, @args) = @_;
    local $ENV{PATH} = "$dir/bin:$ENV{PATH}";
    unlink "$dir/calls";
    my $pid = fork // die "fork: $!";
    if ($pid == 0) {
        open STDOUT, '>', "$dir/out" or die;
        open STDERR, '>', "$dir/err" or die;
        chdir $where or die;
        exec $tamis, 'postfix', @args or die;
    }
    waitpid $pid, 0;
    my $status = $? >> 8;
    my @text = map { local $/; open my $in, '<', "$dir/$_" or die; scalar <$in> // '' } qw(out err);
    return ($status, @text);
}

file(set => "config_directory = /etc/postfix\nsmtpd_milters = inet:127.0.0.1:8891\n"
          . "content_filter = scan:127.0.0.1:10024\n");
file(services => "smtp inet n - y - - smtpd\n"
               . "127.0.0.1:10025 inet n - n - - smtpd -o content_filter=\n");
file(overrides => "127.0.0.1:10025/inet/content_filter =\n");

my @ours = ('-c', file('milter.conf', "mode = enforce\npostfix_config_directory =\n"));

my ($status, $out, $err) = tamis(@ours, '-o', 'socket=inet:8894@localhost');
is($status, 0, 'exit status 0');
is($out, <<"EOS", 'the lines, each with its reason');
# ---- /etc/postfix/main.cf ----
# mail that comes over SMTP; the other milters stay, tamis is the last
smtpd_milters = inet:127.0.0.1:8891, $item
# mail from sendmail(1): cron, web applications, mailing lists
non_smtpd_milters = $item
# without it, bounces that Postfix makes reach no milter, and so no log; they will pass your content_filter, too
internal_mail_filter_classes = bounce
# ---- /etc/postfix/master.cf ----
# takes back what a content filter has seen: that mail has passed tamis before and would be judged and logged a second time
# (this replaces the entry; the same as: postconf -P '127.0.0.1:10025/inet/smtpd_milters=inet:127.0.0.1:8891')
127.0.0.1:10025 inet n - n - - smtpd
    -o content_filter=
    -o smtpd_milters=inet:127.0.0.1:8891
EOS
like($err, qr/^warning: master\.cf: 127\.0\.0\.1:10025 inet takes mail back from a content filter/m,
    'a warning names the service');
like($err, qr/^note: master\.cf: 127\.0\.0\.1:10025 inet keeps inet:127\.0\.0\.1:8891/m,
    'a note tells that the other milter runs twice');
unlike($err, qr/^(?!(?:warning|note): )/m, 'every line is a warning or a note');

($status, $out, $err) = tamis('--json', @ours);
is($err, '', '--json: nothing on standard error');
my $json = decode_json($out);
is_deeply([map { [@$_{qw(file service name)}] } @{ $json->{lines} }],
    [['master.cf', '127.0.0.1:10025/inet', 'smtpd_milters'], ['main.cf', undef, 'smtpd_milters'],
     ['main.cf', undef, 'non_smtpd_milters'], ['main.cf', undef, 'internal_mail_filter_classes']],
    '--json: the lines');
is($json->{findings}[0]{severity}, 'warning', '--json: the findings');

# While tamis observes, a fault of its shall not cost mail.
($status, $out) = tamis(@ours, '-o', 'mode=observe');
like($out, qr/^non_smtpd_milters = \{ inet:localhost:8894, default_action=accept, command_timeout=30s \}$/m,
    'mode = observe: default_action=accept');

# What milter.conf says counts: the address, and rules that both sides have.
file('milter.conf', "mode = enforce\npostfix_config_directory =\nsocket = inet:2525\@localhost\n"
                  . "smtpd_sender_restrictions = reject_non_fqdn_sender\n");
file(set => "smtpd_sender_restrictions = permit_mynetworks, reject_non_fqdn_sender\n");
($status, $out, $err) = tamis(@ours);
like($out, qr/^smtpd_milters = \{ inet:localhost:2525, /m, 'socket of milter.conf');
like($err, qr/^warning: main\.cf: smtpd_sender_restrictions has reject_non_fqdn_sender, and so/m,
    'a restriction on both sides');

file(set => "config_directory = /etc/postfix\nsmtpd_milters = $item\nnon_smtpd_milters = $item\n"
          . "internal_mail_filter_classes = bounce\n");
file(services => "smtp inet n - y - - smtpd\n");
file(overrides => '');
($status, $out, $err) = tamis('-o', 'mode=enforce', '-o', 'socket=inet:8894@localhost', '-c', $dir);
is($out, "# main.cf and master.cf have what tamis (inet:localhost:8894) needs\n", 'nothing to do');
like($err, qr{\Anote: \S+/tamis/milter\.conf: no such file, so nothing was compared: [^\n]*: tamis postfix -c FILE -o postfix_config_directory=DIR\n\z},
    'nothing to say but that there was no milter.conf to compare with');
($status, $out, $err) = tamis('-c', $ours[1], '-o', 'socket=inet:8894@localhost',
    '-o', "postfix_config_directory=$dir", '-o', 'smtpd_sender_restrictions=');
is($err, '', 'nothing at all when there is one');
open my $calls, '<', "$dir/calls" or die;
is_deeply([grep { !/^-c \Q$dir\E / } <$calls>], [], 'every call of postconf has -c DIR');

SKIP: {
    skip 'needs the users nobody and daemon', 3 unless getpwnam 'nobody' and getpwnam 'daemon';
    my @group = map { scalar getgrgid((getpwnam $_)[3]) } qw(nobody daemon);
    file(set => "mail_owner = daemon\n");
    (undef, undef, $err) = tamis(@ours, '-o', 'socket=unix:/var/spool/postfix/tamis/s', '-o', 'user=nobody');
    like($err, qr{^-o: warning: socket = unix:/var/spool/postfix/tamis/s: daemon is not in the group $group[0], so it may not connect: adduser daemon $group[0], and restart Postfix$}m,
        'a socket that Postfix may not use');
    (undef, undef, $err) = tamis(@ours, '-o', 'socket=unix:/var/spool/postfix/tamis/s', '-o', "user=nobody:$group[1]");
    unlike($err, qr/may not connect/, 'one that it may');
    (undef, undef, $err) = tamis(@ours, '-o', 'socket=inet:8894@localhost', '-o', 'user=nobody');
    unlike($err, qr/may not connect/, 'one for all');
}

# Postfix is elsewhere: a relative path would be one below its queue directory.
{
    file(set => '');
    file('relative.conf', "postfix_config_directory = $dir\nsocket = unix:here.sock\n");
    my $here = abs_path($dir);
    ($status, $out) = tamis_in($here, '-c', 'relative.conf');
    like($out, qr/^smtpd_milters = \{ unix:\Q$here\E\/here\.sock, /m, 'a socket beside a configuration named by a relative path');
    ($status, $out) = tamis_in($here, '-c', 'relative.conf', '-o', 'socket=there.sock');
    like($out, qr/^smtpd_milters = \{ unix:\Q$here\E\/there\.sock, /m, 'and a bare name');
}

chmod 0755, file('bin/postconf', "#!/bin/sh\necho 'postconf: fatal: broken' >&2\nexit 1\n");
($status, $out, $err) = tamis(@ours);
is($status, 69, 'a postconf that fails: exit status 69');
like($err, qr/^postconf: fatal: broken$/m, 'its own words are shown');
is($out, '', 'no lines');

($status) = tamis('--no-such-option');
is($status, 64, 'a bad option: exit status 64');
($status) = tamis('argument');
is($status, 64, 'an argument: exit status 64');

done_testing;
